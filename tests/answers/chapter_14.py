"""Right and wrong answers to the checks of chapter 14."""

import itertools

import numpy as np
import tensorflow as tf

from vae_lib import exercises


def kl(m, v):
    return 0.5 * tf.reduce_sum(m**2 + tf.exp(v) - v - 1, axis=1)


def free_energy(x, m, v, g):
    return 0.5 * tf.reduce_sum((x - g) ** 2 + np.log(2 * np.pi), axis=1) + kl(m, v)


def twins(x, train):
    return sum(any(np.array_equal(row, other) for other in train) for row in x)


def limit(x):
    return np.sum(np.where(x == 1, -np.log1p(np.exp(-1)), -np.log(2)), axis=1)


mean = tf.reduce_mean
LOG_2PI = np.log(2 * np.pi)
RIGHT = [
    (exercises.check_clinic_kl, kl),
    (exercises.check_clinic_kl, lambda m, v: kl(m, v).numpy()),
    (exercises.check_clinic_kl, lambda m, v: 0.5 * tf.reduce_sum(m**2 + tf.math.expm1(v) - v, axis=1)),
    (exercises.check_clinic_repair, free_energy),
    (exercises.check_clinic_twins, twins),
    (exercises.check_clinic_twins, lambda x, t: (x[:, None] == t).all(2).any(1).sum()),
    (exercises.check_clinic_limit, limit),
]


def with_log_of(change):
    return lambda m, v: 0.5 * tf.reduce_sum(m**2 + tf.exp(v) - tf.math.log(change(tf.exp(v))) - 1, axis=1)


BUGS = {  # what the hint says of each that is left, in this order
    "components": "the reconstruction is averaged over the components of x: sum",
    "batch": "the reconstruction is averaged over the examples: keep one value for each",
    "sign": "what is called kl is minus the KL: subtract it, or change its signs",
    "half": "the squared error lacks its ½",
    "constant": "½ log 2π for each component is missing: it is part of the density",
}


def with_bugs(*left):
    def loss(x, m, v, g):
        error = (x - g) ** 2 * (1 if "half" in left else 0.5) + (0 if "constant" in left else 0.5 * LOG_2PI)
        error = (mean if "components" in left else tf.reduce_sum)(error, axis=1)
        return (mean(error) if "batch" in left else error) + (-kl(m, v) if "sign" in left else kl(m, v))

    return loss


WRONG = {
    exercises.check_clinic_kl: [
        (with_log_of(lambda s2: s2), "the logarithm of that"),
        (with_log_of(lambda s2: s2 + 1e-8), "too cheap"),
        (with_log_of(lambda s2: tf.maximum(s2, 1e-30)), "too cheap"),
        (lambda m, v: kl(m, tf.clip_by_value(v, -20, 90)), "too cheap"),
        (lambda m, v: kl(m, tf.clip_by_value(v, -300, 30)), "not yet"),
        (lambda m, v: kl(m, v) + 0 * tf.reduce_sum(tf.exp(2 * v), axis=1), "overflow"),
        (lambda m, v: 2 * kl(m, v), "did you drop the ½"),
        (lambda m, v: -kl(m, v), "never negative"),
        (lambda m, v: kl(m, v) / 2, "averaged over the latent dimensions"),
        (lambda m, v: 0.5 * (m**2 + tf.exp(v) - v - 1), "single dimensions"),
        (lambda m, v: mean(kl(m, v)), "averaged over the batch too"),
        (lambda m, v: tf.reduce_sum(kl(m, v)), "summed over the batch too"),
        (lambda m, v: 0.5 * tf.reduce_sum(m**2 + tf.exp(v) - v - 1, axis=0), "summed over the examples"),
        (lambda m, v: kl(m, 2 * v), "as log s"),
        (lambda m, v: kl(m, v) + 1, "−1 is missing"),
        (lambda m, v: 0.5 * tf.reduce_sum(m**2 + tf.exp(v) + v - 1, axis=1), "a narrow q must cost"),
        (lambda m, v: kl(m, v)[:2], "shape"),
    ],
    exercises.check_clinic_repair: [
        (lambda x, m, v, g: mean((x - g) ** 2) - kl(m, v), "components of x: sum; the reconstruction is averaged over"),
        (lambda x, m, v, g: mean((x - g) ** 2) + kl(m, v), "still there"),
        (lambda x, m, v, g: free_energy(x, m, v, g) - 2 * kl(m, v), "there: what is called kl is minus the KL"),
        (lambda x, m, v, g: free_energy(x, m, v, g) - 1.5 * LOG_2PI, "there: ½ log 2π for each"),
        (
            lambda x, m, v, g: tf.reduce_sum((x - g) ** 2, 1) + 1.5 * LOG_2PI + kl(m, v),
            "there: the squared error lacks",
        ),
        (lambda x, m, v, g: tf.reduce_sum((x - g) ** 2, 1) + kl(m, v), "lacks its ½; ½ log 2π"),
        (
            lambda x, m, v, g: mean(0.5 * (x - g) ** 2, 1) + LOG_2PI / 2 + kl(m, v),
            "there: the reconstruction is averaged",
        ),
        *(
            (with_bugs(*left), "still there: " + "; ".join(BUGS[bug] for bug in left))
            for count in range(1, len(BUGS) + 1)
            for left in itertools.combinations(BUGS, count)
        ),
        (lambda x, m, v, g: -free_energy(x, m, v, g), "this is the bound"),
        (lambda x, m, v, g: mean(free_energy(x, m, v, g)), "do not average over the batch"),
        (lambda x, m, v, g: tf.reduce_sum(free_energy(x, m, v, g)), "do not sum over the batch"),
        (lambda x, m, v, g: free_energy(x, m, v, g) - kl(m, v) / 2, "averaged over the latent"),
        (lambda x, m, v, g: free_energy(x, m, v, g) + kl(m, v), "KL lacks its ½"),
        (lambda x, m, v, g: free_energy(x, m, v, g) - kl(m, v), "the KL is missing"),
        (lambda x, m, v, g: free_energy(x, m, v, g) - LOG_2PI, "counts once for each component"),
        (lambda x, m, v, g: free_energy(x, m, v, g) + 0.1, "not yet"),
    ],
    exercises.check_clinic_twins: [
        (lambda x, t: (x[:, None] == t).all(2).sum(), "counted pairs"),
        (lambda x, t: sum(np.array_equal(a, b) for a, b in zip(x, t, strict=False)), "same place"),
        (lambda x, t: np.isin(x, t).all(1).sum(), "not for the rows"),
        (lambda x, t: np.isin(x, t).sum(), "counted numbers"),
        (lambda x, t: (x[:, None] == t).all(2).any(0).sum(), "counted rows of train"),
        (lambda x, t: len(set(map(tuple, x)) & set(map(tuple, t))), "occurs twice in x"),
        (lambda x, t: twins(x, t) / len(x), "not a share"),
        (lambda x, t: len(x) - twins(x, t), "*not* in train"),
        (lambda x, t: np.isin(x[:, 0], t[:, 0]).sum(), "single numbers, not rows"),
        (lambda x, t: len([row for row in x if row in t]), "single numbers, not rows"),
        (lambda x, t: (x[:, None] == t).all(2).any(1), "shape"),
    ],
    exercises.check_clinic_limit: [
        (lambda x: -limit(x), "sign is wrong"),
        (lambda x: limit(x) / x.shape[1], "averaged over the pixels"),
        (lambda x: limit(x).mean(), "one value for each picture"),
        (lambda x: limit(x).sum(), "one value for each picture"),
        (lambda x: np.full(len(x), x.shape[1] * np.log(0.5)), "a black pixel can do better"),
        (lambda x: (1 - x).sum(1) * np.log(0.5), "a black pixel costs something"),
        (lambda x: -x.sum(1) * np.log1p(np.exp(-1)), "a white pixel costs something"),
        (lambda x: x.sum(1) - x.shape[1] * np.log1p(np.e), "the best logit is 0"),
        (lambda x: limit(1 - x), "exchanged black and white"),
        (lambda x: limit(x) / np.log(2), "these are bits"),
        (lambda x: x.sum(1) * np.log(0.5) - (1 - x).sum(1) * np.log1p(np.e), "the lowest value"),
        (lambda x: np.where(x == 1, 1 / (1 + np.exp(-1)), 0.5).sum(1), "the logarithm is missing"),
    ],
}
