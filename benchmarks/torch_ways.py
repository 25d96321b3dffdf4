"""What is measured in PyTorch: an eager loop, ``torch.compile``, Pythae, and the products alone.

Each way is a function of a case that returns ``run(count)``: ``count`` epochs of training, or ``count`` evaluations.
"""

import logging
import math
import tempfile
from importlib import metadata

import numpy as np
import torch
from pythae.data.datasets import BaseDataset
from pythae.models import IWAE, VAE, IWAEConfig, VAEConfig
from pythae.models.base.base_utils import ModelOutput
from pythae.models.nn import BaseDecoder, BaseEncoder
from pythae.trainers import BaseTrainer, BaseTrainerConfig
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits, mse_loss

from benchmarks import workers

CHUNK = 1000  # as in tensorflow_ways


def net(shapes, activation):
    layers = []
    for rows, columns in shapes:
        layers += [nn.Linear(rows, columns), {"relu": nn.ReLU, "tanh": nn.Tanh}[activation]()]
    return nn.Sequential(*layers[:-1])


class Model(nn.Module):
    """The case's VAE as a PyTorch user writes it; ``forward`` is minus the mean bound of a batch."""

    def __init__(self, case):
        super().__init__()
        self.case = case
        self.encoder, self.decoder = net(case.encoder, case.activation), net(case.decoder, case.activation)
        count = sum(weight.numel() for weight in self.parameters())
        if count != case.parameters:
            raise AssertionError(f"{count} parameters; the case has {case.parameters}")

    def log_likelihood(self, z, x):
        out = self.decoder(z)
        if self.case.bernoulli:
            return -binary_cross_entropy_with_logits(out, x.expand_as(out), reduction="none").sum(-1)
        squares = mse_loss(out, x.expand_as(out), reduction="none") / 0.1
        return -0.5 * (squares + math.log(2 * math.pi * 0.1)).sum(-1)

    def forward(self, x):
        mean, log_variance = self.encoder(x).chunk(2, dim=-1)
        deviation = (0.5 * log_variance).exp()
        if self.case.samples is None:
            z = mean + deviation * torch.randn_like(mean)
            rate = 0.5 * (log_variance.exp() + mean**2 - 1 - log_variance).sum(-1)
            return -(self.log_likelihood(z, x) - rate).mean()
        noise = torch.randn(self.case.samples, *mean.shape)
        z = mean + deviation * noise
        log_ratio = 0.5 * (noise**2 + log_variance - z**2).sum(-1)  # log p(z) − log q(z | x)
        log_weights = self.log_likelihood(z, x) + log_ratio
        return -(log_weights.logsumexp(0) - math.log(self.case.samples)).mean()


def loop(case, fused=False, compiled=False):
    """A loop over batches that are picked from one tensor: no data loader, which would cost more than the step."""
    model, x = Model(case), torch.from_numpy(np.ascontiguousarray(case.draw()))
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, eps=1e-7, fused=fused)
    loss_of = torch.compile(model) if compiled else model

    def run(epochs):
        for _ in range(epochs):
            order = torch.randperm(len(x))
            for start in range(0, len(x) - case.batch + 1, case.batch):
                optimizer.zero_grad()
                loss = loss_of(x[order[start : start + case.batch]])
                loss.backward()
                optimizer.step()
        loss.item()

    return run


class Encoder(BaseEncoder):
    def __init__(self, case):
        super().__init__()
        self.net = net(case.encoder, case.activation)

    def forward(self, x):
        mean, log_variance = self.net(x).chunk(2, dim=-1)
        return ModelOutput(embedding=mean, log_covariance=log_variance)


class Decoder(BaseDecoder):
    def __init__(self, case):
        super().__init__()
        self.net = net(case.decoder, case.activation)
        self.squash = torch.sigmoid if case.bernoulli else nn.Identity()

    def forward(self, z):
        return ModelOutput(reconstruction=self.squash(self.net(z)))


def pythae_model(case, samples):
    kind = {"reconstruction_loss": "bce" if case.bernoulli else "mse"}
    sizes = {"input_dim": (case.data,), "latent_dim": case.latent}
    if samples is None:
        return VAE(VAEConfig(**sizes, **kind), Encoder(case), Decoder(case))
    return IWAE(IWAEConfig(**sizes, **kind, number_samples=samples), Encoder(case), Decoder(case))


def pythae(case):
    """Pythae's trainer, an epoch at a time, without its progress bar and without what it saves at the end."""
    x, folder = torch.from_numpy(np.ascontiguousarray(case.draw())), tempfile.TemporaryDirectory()
    config = BaseTrainerConfig(
        output_dir=folder.name,
        per_device_train_batch_size=case.batch,
        learning_rate=1e-3,
        optimizer_params={"eps": 1e-7},
        no_cuda=True,
    )
    data = BaseDataset(x, torch.ones(len(x)))
    trainer = BaseTrainer(pythae_model(case, case.samples), data, training_config=config)
    trainer.prepare_training()
    trainer.callback_handler.callbacks.clear()

    def run(epochs, folder=folder):  # the folder lives as long as the trainer that may write to it
        for epoch in range(epochs):
            trainer.train_step(epoch)

    return run


def pythae_nll(case, batch):
    model, x = pythae_model(case, None), torch.from_numpy(np.round(case.draw()))

    def run(count):
        with torch.no_grad():
            for _ in range(count):
                model.get_nll(x, n_samples=case.samples, batch_size=batch)

    return run


def training_products(case):
    """The products of a step, of exactly these layers and in their order, and nothing else: a floor for the time."""
    kernels = [torch.randn(shape) * shape[0] ** -0.5 for shape in case.encoder + case.decoder]
    x = torch.from_numpy(np.ascontiguousarray(case.draw()))
    code, k = len(case.encoder), case.samples or 1

    def products(a):
        below, gradients = [], []
        for index, kernel in enumerate(kernels):
            if index == code:
                a = (a[:, : case.latent] + a[:, case.latent :]).repeat(k, 1)
            below.append(a)
            a = a @ kernel
        for index in reversed(range(len(kernels))):
            gradients.append(below[index].T @ a)
            if index:
                a = a @ kernels[index].T
            if index == code:
                a = a.reshape(k, case.batch, case.latent).mean(0).repeat(1, 2)
        return gradients

    def run(epochs):
        with torch.no_grad():
            for _ in range(epochs):
                for start in range(0, len(x) - case.batch + 1, case.batch):
                    products(x[start : start + case.batch])

    return run


def evaluation_products(case):
    """The decoder's products for all the samples of all the examples, in chunks that a cache holds."""
    kernels = [torch.randn(shape) * shape[0] ** -0.5 for shape in case.decoder]
    z = torch.randn(CHUNK, case.latent)

    def run(count):
        with torch.no_grad():
            for _ in range(count * (case.examples * case.samples // CHUNK)):
                a = z
                for kernel in kernels:
                    a = a @ kernel

    return run


WAYS = {
    "PyTorch eager": loop,
    "PyTorch eager, fused Adam": lambda case: loop(case, fused=True),
    "`torch.compile`, fused Adam": lambda case: loop(case, fused=True, compiled=True),
    "Pythae's trainer": pythae,
    "matrix products alone, PyTorch": training_products,
    "Pythae's `get_nll`": lambda case: pythae_nll(case, 100),
    "Pythae's `get_nll`, `batch_size=1000`": lambda case: pythae_nll(case, 1000),
    "decoder's products alone, PyTorch": evaluation_products,
}

if __name__ == "__main__":
    torch.set_num_threads(workers.CORES)
    logging.getLogger("pythae.trainers.base_trainer.base_trainer").setLevel("WARNING")
    workers.serve(WAYS, {"PyTorch": torch.__version__, "Pythae": metadata.version("pythae")})
