/* Figures that a reader can move, without a kernel. A notebook puts numbers into its page, vae_lib/explorables.py says
   how; this script finds them, draws, and computes what depends on where the reader moved. First what a kind of figure
   is (`kinds`, one part each), then what they share. Only a page that has such a figure loads this file. */
(() => {
  "use strict";

  // ---------------------------------------------------------------------------------------------- the kinds of figure
  // Each takes the notebook's data and returns
  //   controls  sliders: {key, label, start, min, max, step}, or {key, label, start, stops: [positive values]}
  //   at        ({key: value}) → everything that depends on them, handed on as v
  //   numbers   what is shown in figures: {key, label, text: v → string, colour}
  //   say       v → the sentence that a screen reader speaks when the reader has stopped moving
  //   rows      [[panel]]: a plot {title, x, y, fixed: [layer], layers: v → [layer], handle: v → [x, y],
  //             drag: (x, y) → {key: value}} or a picture {title, side, pixels: v → numbers from 0 to 1}

  const kinds = {
    /* The bound over mean and standard deviation of a Gaussian q: chapter 7. */
    bound(d) {
      const n = d.log_joint.length, step = (d.z[1] - d.z[0]) / (n - 1);
      const z = Array.from({ length: n }, (_, i) => d.z[0] + i * step);
      const log_p = logMeanExp(d.log_joint) + Math.log(n * step);
      const posterior = z.map((at, i) => [at, Math.exp(d.log_joint[i] - log_p)]);
      const near = ([at]) => at > -2.6 && at < 2.6;
      const logNormal = (x, m, s) => -0.5 * ((x - m) / s) ** 2 - Math.log(s) - 0.5 * Math.log(2 * Math.PI);
      const elbo = (m, s) => {
        let sum = 0;
        for (let i = 0; i < n; i++) {
          const log_q = logNormal(z[i], m, s);
          sum += Math.exp(log_q) * (d.log_joint[i] - log_q);
        }
        return sum * step;
      };
      const [low, high] = d.widths, [left, right] = d.means;
      return {
        controls: [
          { key: "m", label: "mean m of q", min: left, max: right, step: 0.01, start: 0.6 },
          { key: "s", label: "standard deviation s of q", stops: geometric(low, high, 100), start: 0.6 },
        ],
        at: ({ m, s }) => ({ m, s, elbo: elbo(m, s), gap: log_p - elbo(m, s) }),
        numbers: [
          { key: "log_p", label: "log p(x)", text: () => nats(log_p), colour: "green" },
          { key: "elbo", label: "bound (ELBO)", text: v => nats(v.elbo), colour: "orange" },
          { key: "gap", label: "gap = KL(q ‖ posterior)", text: v => nats(v.gap), colour: "red" },
        ],
        say: v => `The bound is ${nats(v.elbo)}, ${nats(v.gap)} below log p of x.`,
        rows: [[
          {
            title: "the bound over m and s",
            x: { label: "mean m", from: left, to: right },
            y: { label: "st. dev. s", from: low, to: high, log: true, ticks: [0.1, 0.2, 0.5, 1, 2] },
            fixed: [
              field(d.landscape, d.levels),
              dots(d.summits, { colour: "red", shape: "cross", label: "summits" }),
            ],
            layers: () => [],
            handle: v => [v.m, v.s],
            drag: (m, s) => ({ m, s }),
          },
          {
            title: "q and the exact posterior",
            x: { label: "z", from: -2.6, to: 2.6 },
            y: v => ({ label: "density", from: 0, to: Math.max(1.75, 0.44 / v.s) }),
            fixed: [line(posterior.filter(near), { colour: "green", fill: true, label: "posterior p(z | x)" })],
            layers: v => [
              line(z.filter(at => near([at])).map(at => [at, Math.exp(logNormal(at, v.m, v.s))]),
                { colour: "orange", dash: [6, 3], label: "q(z)" }),
            ],
          },
        ]],
      };
    },

    /* The latent plane of one or more nets: a code, and what each decoder makes of it. Chapters 4, 10 and 12. */
    latent(d) {
      const circles = [0.5, 0.95].map(mass => Math.sqrt(-2 * Math.log(1 - mass)));
      const ring = radius => Array.from({ length: 91 }, (_, i) =>
        [radius * Math.cos(i * Math.PI / 45), radius * Math.sin(i * Math.PI / 45)]);
      const nearest = (codes, x, y) => Math.sqrt(Math.min(...codes.map(([a, b]) => (a - x) ** 2 + (b - y) ** 2)));
      const several = d.models.length > 1;
      const named = (model, text) => several ? `${model.name}: ${text}` : text;
      const ink = pixels => pixels.reduce((sum, pixel) => sum + pixel, 0) / pixels.length;
      const planes = d.models.map(model => ({
        title: named(model, `codes of ${model.of}`),
        square: true,
        x: { label: "z₁", from: -d.reach, to: d.reach },
        y: { label: "z₂", from: -d.reach, to: d.reach },
        fixed: [
          glyphs(model.codes, model.labels),
          ...circles.map((radius, i) => line(ring(radius),
            { colour: "grey", dash: [4, 4], label: i ? undefined : "half, and 95 %, of N(0, I)" })),
        ],
        layers: () => [],
        handle: v => [v.x, v.y],
        drag: (x, y) => ({ x, y }),
      }));
      const pictures = d.models.map((model, i) => (
        { title: named(model, "decoded"), side: d.side, pixels: v => v.pictures[i] }));
      return {
        controls: ["x", "y"].map((key, i) => (
          { key, label: `code z${"₁₂"[i]}`, min: -d.reach, max: d.reach, step: 0.02, start: [0.4, -0.3][i] })),
        at: ({ x, y }) => ({
          x, y,
          inside: 1 - Math.exp(-(x * x + y * y) / 2),
          pictures: d.models.map(model => decode(model.layers, [x, y])),
          away: d.models.map(model => nearest(model.codes, x, y)),
        }),
        numbers: [
          { key: "inside", label: "draws of N(0, I) nearer to the middle", text: v => percent(v.inside) },
          ...d.models.flatMap((model, i) => [
            { key: `away${i}`, label: named(model, `nearest code of ${model.of}`), text: v => fixed(v.away[i], 2) + " away" },
            { key: `ink${i}`, label: named(model, "ink, the mean of the pixels"), text: v => percent(ink(v.pictures[i])) },
          ]),
        ],
        say: v => `Code ${fixed(v.x, 2)}, ${fixed(v.y, 2)}. ` + d.models.map((model, i) => named(model,
          `the nearest code is ${fixed(v.away[i], 2)} away, ink ${percent(ink(v.pictures[i]))}`)).join(". ") + ".",
        rows: d.models.length > 1 ? [planes, pictures] : [[...planes, ...pictures]],
      };
    },

    /* A sweep of β: the rate–distortion plane, the data plane and the latent plane. Chapter 13. */
    beta(d) {
      const points = d.betas.map((_, i) => [d.rate[i], d.distortion[i]]);
      const most = Math.max(...d.rate), highest = Math.max(...d.distortion);
      const score = (i, j) => d.distortion[j] + d.betas[i] * d.rate[j];
      const at = i => {
        const others = d.betas.map((_, j) => j).filter(j => j !== i).map(j => score(i, j));
        return { i, sum: d.rate[i] + d.distortion[i], lead: Math.min(...others) - score(i, i) };
      };
      const x = [-0.3, most + 0.5], cloud = { from: -2.1, to: 2.1 };
      return {
        controls: [{ key: "beta", label: "β", stops: d.betas, start: 1 }],
        at: ({ beta }) => ({ beta, ...at(d.betas.indexOf(beta)) }),
        numbers: [
          { key: "rate", label: "rate R", text: v => nats(d.rate[v.i]), colour: "blue" },
          { key: "distortion", label: "distortion D", text: v => nats(d.distortion[v.i]), colour: "blue" },
          { key: "sum", label: "R + D = −bound", text: v => nats(v.sum) },
          { key: "above", label: "above the entropy H", text: v => nats(v.sum - d.entropy), colour: "green" },
          { key: "lead", label: "ahead of the others at this β", text: v => nats(v.lead) },
          { key: "active", label: "active units", text: v => String(d.active[v.i]) },
        ],
        say: v => `β ${v.beta}: rate ${nats(d.rate[v.i])}, distortion ${nats(d.distortion[v.i])}, `
          + `${d.active[v.i]} active units.`,
        rows: [[
          {
            title: "the trained VAEs",
            x: { label: "rate R (nats)", from: x[0], to: x[1] },
            y: { label: "distortion D (nats)", from: -8, to: highest + 5 },
            fixed: [
              line([[x[0], d.entropy - x[0]], [x[1], d.entropy - x[1]]], { colour: "green", label: "R + D = H" }),
              dots(points, { colour: "blue", size: 3.5, label: "trained" }),
            ],
            layers: v => [line(x.map(rate => [rate, d.distortion[v.i] - v.beta * (rate - d.rate[v.i])]),
              { colour: "orange", dash: [6, 3], label: "slope −β" })],
            handle: v => points[v.i],
            drag: (rate, distortion, distance) => {
              const away = points.map(point => distance([rate, distortion], point));
              return { beta: d.betas[away.indexOf(Math.min(...away))] };
            },
          },
          {
            title: "data, rebuilt, invented",
            square: true,
            x: { label: "x₁", ...cloud }, y: { label: "x₂", ...cloud },
            fixed: [dots(d.data, { colour: "grey", size: 1.5, label: "data" })],
            layers: v => [
              dots(d.samples[v.i], { colour: "pink", size: 2.5, shape: "plus", label: "samples" }),
              dots(d.rebuilt[v.i], { colour: "orange", size: 2, label: "reconstructions" }),
            ],
          },
          {
            title: "posteriors q(z | x)",
            square: true,
            x: { label: "z₁", from: -3.5, to: 3.5 }, y: { label: "z₂", from: -3.5, to: 3.5 },
            fixed: [],
            layers: v => [
              ellipses(d.posteriors[v.i], { colour: "blue", label: "q, one st. dev." }),
              ellipses([[0, 0, 1, 1]], { colour: "green", dash: [5, 4], width: 2, label: "prior, one st. dev." }),
            ],
          },
        ]],
      };
    },

    /* Estimates of the importance-weighted bound from k draws, whose weights are c u^(c−1). Chapter 16. */
    draws(d) {
      const repeats = 2000, most = d.k_max, uniform = generator(1), edges = [-6, 1.5];
      const u = Float64Array.from({ length: repeats * most }, uniform);
      const sums = new Float64Array(repeats * most); // of the first k weights, in each repeat
      const step = 0.1, axis = range(-60, 60, step), t = range(-50, 90, step).map(Math.exp);
      const sigmoid = a => 1 / (1 + Math.exp(-a));
      let c, moment;
      const choose = value => {
        if (value === c) return;
        c = value;
        for (let i = 0; i < u.length; i++) {
          sums[i] = c * u[i] ** (c - 1) + (i % most ? sums[i - 1] : 0);
        }
        const weights = axis.map(a => c * sigmoid(a) ** (c - 1)), mass = axis.map(a => step * sigmoid(a) * sigmoid(-a));
        moment = t.map(at => weights.reduce((sum, w, i) => sum + mass[i] * Math.exp(-at * w), 0));
      };
      // The chapter's quadrature. At c = 1 the gap is zero, which no log scale shows.
      const gap = k => Math.max(1e-9, Math.log(k) - step * t.reduce((sum, at, i) => sum + Math.exp(-at) - moment[i] ** k, 0));
      const stops = [...new Set(geometric(1, most, 40).map(Math.round))];
      return {
        controls: [
          { key: "k", label: "draws K", stops, start: 5 },
          { key: "c", label: "c, the variance of q over that of the posterior", stops: geometric(...d.c_range, 101), start: d.c },
        ],
        at: v => {
          choose(v.c);
          const values = Array.from({ length: repeats }, (_, r) => Math.log(sums[r * most + v.k - 1] / v.k));
          const mean = values.reduce((a, b) => a + b) / repeats;
          const error = Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / repeats / repeats);
          const shares = histogram(values, edges, 60);
          return { ...v, shares, mean, error, gap: gap(v.k), above: values.filter(value => value > 0).length / repeats };
        },
        numbers: [
          { key: "log_p", label: "log p(x)", text: () => nats(d.log_p), colour: "green" },
          { key: "bound", label: "exact bound, by quadrature", text: v => nats(d.log_p - v.gap), colour: "ink" },
          { key: "gap", label: "its gap", text: v => nats(v.gap) },
          { key: "mean", label: `mean of ${repeats} estimates`,
            text: v => `${nats(d.log_p + v.mean)} ± ${fixed(v.error, 3)}` },
          { key: "above", label: "estimates above log p(x)", text: v => percent(v.above) },
        ],
        say: v => `With ${v.k} draws the bound is ${nats(v.gap)} below log p of x; `
          + `${percent(v.above)} of the estimates are above it.`,
        rows: [[
          {
            title: `${repeats} estimates`,
            x: { label: "estimate − log p(x) (nats)", from: edges[0], to: edges[1] },
            y: v => ({ label: "share", from: 0, to: 1.15 * Math.max(...v.shares) }),
            fixed: [],
            layers: v => [
              bars(v.shares, edges, { colour: "orange" }),
              line([[0, 0], [0, 1]], { colour: "green", width: 3, label: "log p(x)" }),
              line([[-v.gap, 0], [-v.gap, 1]], { colour: "ink", dash: [6, 4], label: "exact bound" }),
            ],
          },
          {
            title: "how far below",
            x: { label: "draws K", from: 0.8, to: most * 1.25, log: true, ticks: [1, 10, 100, 1000] },
            y: { label: "gap (nats)", from: 0.001, to: 10, log: true, ticks: [0.001, 0.01, 0.1, 1, 10] },
            fixed: [],
            layers: () => [
              line(stops.map(k => [k, gap(k)]), { colour: "orange", label: "exact gap at this c" }),
            ],
            handle: v => [v.k, v.gap],
            drag: k => ({ k }),
          },
        ]],
      };
    },
  };

  // --------------------------------------------------------------------------------------------------------- numbers

  const minus = text => text.replace("-", "−");
  const fixed = (value, digits) => minus(value.toFixed(digits));
  const nats = value => fixed(value, 3) + " nats";
  const percent = value => fixed(100 * value, 1) + " %";
  const geometric = (from, to, count) => Array.from({ length: count }, (_, i) =>
    Number((from * (to / from) ** (i / (count - 1))).toPrecision(3)));
  const range = (from, to, step) => Array.from({ length: Math.round((to - from) / step) }, (_, i) => from + i * step);

  function logMeanExp(values) {
    const top = Math.max(...values);
    return top + Math.log(values.reduce((sum, value) => sum + Math.exp(value - top), 0) / values.length);
  }

  /* The share of the values in each of equal bins between two edges. */
  function histogram(values, [from, to], bins) {
    const shares = new Array(bins).fill(0);
    for (const value of values) {
      if (value >= from && value < to) shares[Math.floor(bins * (value - from) / (to - from))] += 1 / values.length;
    }
    return shares;
  }

  /* Uniform numbers, the same at every visit (mulberry32). */
  function generator(state) {
    return () => {
      state = (state + 0x6d2b79f5) | 0;
      let t = Math.imul(state ^ (state >>> 15), 1 | state);
      t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
      return (((t ^ (t >>> 14)) >>> 0) + 0.5) / 4294967296;
    };
  }

  /* What the notebook stored, bytes as numbers: arrays of arrays. */
  function unpack(value) {
    if (Array.isArray(value)) return value.map(unpack);
    if (value === null || typeof value !== "object") return value;
    const packed = value.f16 ?? value.u8;
    if (packed === undefined) {
      return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, unpack(part)]));
    }
    const bytes = Uint8Array.from(atob(packed), letter => letter.charCodeAt(0));
    const flat = value.u8 ? Array.from(bytes) : Array.from({ length: bytes.length / 2 }, (_, i) =>
      half(bytes[2 * i] | (bytes[2 * i + 1] << 8)));
    return value.shape.slice(1).reduceRight((parts, size) =>
      Array.from({ length: parts.length / size }, (_, i) => parts.slice(i * size, (i + 1) * size)), flat);
  }

  function half(bits) {
    const sign = bits & 0x8000 ? -1 : 1, exponent = (bits >> 10) & 31, fraction = bits & 1023;
    return sign * (exponent ? 2 ** (exponent - 15) * (1 + fraction / 1024) : fraction * 2 ** -24);
  }

  const activations = {
    linear: a => a,
    relu: a => Math.max(a, 0),
    sigmoid: a => 1 / (1 + Math.exp(-a)),
    silu: a => a / (1 + Math.exp(-a)),
    softplus: a => Math.max(a, 0) + Math.log1p(Math.exp(-Math.abs(a))),
    tanh: Math.tanh,
  };

  /* The output of dense layers for one input. */
  function decode(layers, input) {
    return layers.reduce((values, { kernel, bias, activation }) => {
      const sums = [...bias];
      values.forEach((value, i) => kernel[i].forEach((weight, j) => (sums[j] += value * weight)));
      return sums.map(activations[activation]);
    }, input);
  }

  // ---------------------------------------------------------------------------------------------------------- layers
  // A layer is {draw(pen), colour, shape, label}; those with a label stand in the legend. A pen has the canvas's
  // context `ink`, the scales `x` and `y` from numbers to pixels, the plot's `box`, and `colour(name)`.

  function line(points, { colour, label, dash = [], width = 2, fill = false }) {
    const draw = ({ ink, x, y, box, colour: paint }) => {
      ink.beginPath();
      points.forEach(([a, b]) => ink.lineTo(x(a), y(b)));
      ink.strokeStyle = ink.fillStyle = paint(colour);
      ink.lineWidth = width;
      ink.setLineDash(dash);
      ink.stroke();
      if (fill) {
        ink.lineTo(x(points.at(-1)[0]), box.bottom);
        ink.lineTo(x(points[0][0]), box.bottom);
        ink.globalAlpha = 0.15;
        ink.fill();
      }
    };
    return { draw, colour, label, shape: dash.length ? "dashed" : "line" };
  }

  function dots(points, { colour, label, size = 3, shape = "dot" }) {
    const draw = ({ ink, x, y, colour: paint }) => {
      ink.strokeStyle = ink.fillStyle = paint(colour);
      ink.lineWidth = 1.2;
      ink.globalAlpha = shape === "cross" ? 1 : 0.75;
      for (const point of points) {
        const a = x(point[0]), b = y(point[1]);
        ink.beginPath();
        if (shape === "dot") ink.arc(a, b, size, 0, 2 * Math.PI);
        if (shape === "cross") { // with a light rim: it stands on a field of any colour
          ink.moveTo(a - 5, b - 5), ink.lineTo(a + 5, b + 5), ink.moveTo(a - 5, b + 5), ink.lineTo(a + 5, b - 5);
          ink.strokeStyle = "white", ink.lineWidth = 5, ink.stroke();
          ink.strokeStyle = paint(colour), ink.lineWidth = 2.5;
        }
        if (shape === "plus") {
          ink.moveTo(a - size, b), ink.lineTo(a + size, b), ink.moveTo(a, b - size), ink.lineTo(a, b + size);
        }
        shape === "dot" ? ink.fill() : ink.stroke();
      }
    };
    return { draw, colour, label, shape };
  }

  /* Each point written as its label, a digit. */
  function glyphs(points, labels) {
    const draw = ({ ink, x, y, colour: paint }) => {
      ink.fillStyle = paint("ink");
      ink.globalAlpha = 0.55;
      ink.textAlign = "center";
      ink.textBaseline = "middle";
      ink.font = ink.font.replace(/[\d.]+px/, "9px");
      points.forEach(([a, b], i) => ink.fillText(labels[i], x(a), y(b)));
    };
    return { draw };
  }

  /* Ellipses with upright axes: rows of two centres and two half axes. */
  function ellipses(rows, { colour, label, dash = [], width = 1 }) {
    const draw = ({ ink, x, y, colour: paint }) => {
      ink.strokeStyle = paint(colour);
      ink.lineWidth = width;
      ink.setLineDash(dash);
      for (const [a, b, wide, high] of rows) {
        ink.beginPath();
        ink.ellipse(x(a), y(b), Math.abs(x(a + wide) - x(a)), Math.abs(y(b + high) - y(b)), 0, 0, 2 * Math.PI);
        ink.stroke();
      }
    };
    return { draw, colour, label, shape: dash.length ? "dashed" : "line" };
  }

  /* Bars of equal width between two edges. */
  function bars(heights, [from, to], { colour }) {
    const draw = ({ ink, x, y, colour: paint }) => {
      ink.fillStyle = paint(colour);
      ink.globalAlpha = 0.75;
      heights.forEach((height, i) => {
        const [left, right] = [i, i + 1].map(edge => x(from + (to - from) * edge / heights.length));
        ink.fillRect(left, y(height), right - left - 0.5, y(0) - y(height));
      });
    };
    return { draw };
  }

  const cividis = ["#00224e", "#123570", "#3b496c", "#575d6d", "#707173", "#8a8678", "#a59c74", "#c3b369", "#e1cc55", "#fee838"]
    .map(code => [1, 3, 5].map(i => parseInt(code.slice(i, i + 2), 16)));

  /* Bands between levels of a function given on a grid that spans the plot, [rows, columns], from below. */
  function field(grid, levels) {
    const rows = grid.length, columns = grid[0].length, sorted = [...levels].sort((a, b) => a - b);
    const bottom = sorted[0], top = sorted.at(-1);
    const bands = [bottom, ...sorted.slice(1).map((level, i) => (level + sorted[i]) / 2), top].map(value => {
      const place = (value - bottom) / (top - bottom) * (cividis.length - 1), i = Math.min(Math.floor(place), cividis.length - 2);
      return cividis[i].map((part, c) => part + (place - i) * (cividis[i + 1][c] - part));
    });
    let kept;
    const paint = (width, height) => {
      const canvas = Object.assign(document.createElement("canvas"), { width, height });
      const ink = canvas.getContext("2d"), image = ink.createImageData(width, height);
      for (let row = 0; row < height; row++) {
        for (let column = 0; column < width; column++) {
          const a = column / (width - 1) * (columns - 1), b = (1 - row / (height - 1)) * (rows - 1);
          const i = Math.min(Math.floor(b), rows - 2), j = Math.min(Math.floor(a), columns - 2);
          const [lower, upper] = [grid[i], grid[i + 1]].map(row => row[j] + (a - j) * (row[j + 1] - row[j]));
          const value = lower + (b - i) * (upper - lower);
          let band = 0;
          while (band < sorted.length && value >= sorted[band]) band++;
          image.data.set([...bands[band], 255], 4 * (row * width + column));
        }
      }
      ink.putImageData(image, 0, 0);
      return canvas;
    };
    const draw = ({ ink, box }) => {
      const width = Math.round(box.right - box.left), height = Math.round(box.bottom - box.top);
      if (!kept || kept.width !== width || kept.height !== height) kept = paint(width, height);
      ink.drawImage(kept, box.left, box.top);
    };
    return { draw };
  }

  // ---------------------------------------------------------------------------------------------------------- panels

  // The style's names in full: a build may drop from the style what no script names.
  const colours = {
    blue: "--explorable-blue", orange: "--explorable-orange", green: "--explorable-green", red: "--explorable-red",
    pink: "--explorable-pink", grey: "--explorable-grey", ink: "--explorable-ink", grid: "--explorable-grid",
  };
  const shapes = {
    line: "explorable-line", dashed: "explorable-dashed", dot: "explorable-dot", cross: "explorable-cross",
    plus: "explorable-plus",
  };

  const element = (name, properties = {}, ...children) => {
    const made = Object.assign(document.createElement(name), properties);
    made.append(...children);
    return made;
  };

  function niceTicks(from, to, about) {
    const rough = (to - from) / about, power = 10 ** Math.floor(Math.log10(rough));
    const step = [1, 2, 5, 10].map(factor => factor * power).find(size => size >= rough);
    const ticks = [];
    for (let i = Math.ceil(from / step - 1e-9); i * step <= to + 1e-9 * step; i++) ticks.push(Number((i * step).toPrecision(6)));
    return ticks;
  }

  function scale({ from, to, log }, start, end) {
    const map = log ? Math.log : value => value;
    const unit = (end - start) / (map(to) - map(from));
    const forward = value => start + unit * (map(value) - map(from));
    forward.invert = pixel => {
      const value = map(from) + (Math.min(Math.max(pixel, Math.min(start, end)), Math.max(start, end)) - start) / unit;
      return log ? Math.exp(value) : value;
    };
    return forward;
  }

  function canvasOf(title) {
    const canvas = element("canvas");
    canvas.setAttribute("role", "img");
    canvas.setAttribute("aria-label", title);
    return canvas;
  }

  /* A context in CSS pixels, as fine as the screen. */
  function prepare(canvas) {
    const fine = window.devicePixelRatio || 1;
    canvas.width = Math.round(canvas.clientWidth * fine);
    canvas.height = Math.round(canvas.clientHeight * fine);
    const ink = canvas.getContext("2d");
    ink.scale(fine, fine);
    return ink;
  }

  function plot(panel, figure) {
    const canvas = canvasOf(panel.title), place = element("div", { className: "explorable-plot" }, canvas);
    const grip = panel.handle && element("div", { className: "explorable-handle" });
    canvas.style.aspectRatio = panel.square ? 1 : 1.28;
    let pen;

    const draw = v => {
      const style = getComputedStyle(canvas), size = parseFloat(style.fontSize);
      const ink = prepare(canvas);
      const box = { left: 4.2 * size, right: canvas.clientWidth - 8, top: 6, bottom: canvas.clientHeight - 3 * size };
      const xAxis = panel.x, yAxis = typeof panel.y === "function" ? panel.y(v) : panel.y;
      const x = scale(xAxis, box.left, box.right), y = scale(yAxis, box.bottom, box.top);
      const colour = name => style.getPropertyValue(colours[name]).trim();
      pen = { ink, x, y, box, colour };
      ink.font = `${size}px ${style.fontFamily}`;

      const ticks = (axis, pixels) => (axis.ticks ?? niceTicks(axis.from, axis.to, pixels / (3.5 * size)))
        .filter(tick => tick >= axis.from && tick <= axis.to);
      ink.strokeStyle = colour("grid");
      ink.fillStyle = colour("ink");
      ink.textAlign = "center";
      ink.textBaseline = "top";
      for (const tick of ticks(xAxis, box.right - box.left)) {
        ink.beginPath(), ink.moveTo(x(tick), box.top), ink.lineTo(x(tick), box.bottom), ink.stroke();
        ink.fillText(minus(String(tick)), x(tick), box.bottom + 0.4 * size);
      }
      ink.textAlign = "right";
      ink.textBaseline = "middle";
      for (const tick of ticks(yAxis, box.bottom - box.top)) {
        ink.beginPath(), ink.moveTo(box.left, y(tick)), ink.lineTo(box.right, y(tick)), ink.stroke();
        ink.fillText(minus(String(tick)), box.left - 0.4 * size, y(tick));
      }
      ink.textAlign = "center";
      ink.textBaseline = "alphabetic";
      ink.fillText(xAxis.label, (box.left + box.right) / 2, canvas.clientHeight - 0.4 * size);
      ink.save();
      ink.translate(0.9 * size, (box.top + box.bottom) / 2);
      ink.rotate(-Math.PI / 2);
      ink.fillText(yAxis.label, 0, 0);
      ink.restore();

      ink.save();
      ink.beginPath();
      ink.rect(box.left, box.top, box.right - box.left, box.bottom - box.top);
      ink.clip();
      for (const layer of [...panel.fixed, ...panel.layers(v)]) {
        ink.save();
        layer.draw(pen);
        ink.restore();
      }
      ink.restore();
      if (grip) {
        const [a, b] = panel.handle(v);
        grip.style.left = `${Math.min(Math.max(x(a), box.left), box.right)}px`;
        grip.style.top = `${Math.min(Math.max(y(b), box.top), box.bottom)}px`;
      }
    };

    if (grip) {
      place.append(grip);
      const move = event => {
        const corner = canvas.getBoundingClientRect();
        const distance = (a, b) => Math.hypot(pen.x(a[0]) - pen.x(b[0]), pen.y(a[1]) - pen.y(b[1]));
        figure.set(panel.drag(pen.x.invert(event.clientX - corner.left), pen.y.invert(event.clientY - corner.top), distance));
      };
      place.addEventListener("pointerdown", event => {
        // A finger beside the handle scrolls the page; if it only taps, the click below moves the handle there.
        if (event.button || (event.pointerType === "touch" && event.target !== grip)) return;
        event.preventDefault();
        place.setPointerCapture(event.pointerId);
        figure.focus();
        move(event);
      });
      place.addEventListener("pointermove", event => place.hasPointerCapture(event.pointerId) && move(event));
      place.addEventListener("click", event => event.target !== grip && move(event));
    }
    return [place, draw];
  }

  function picture({ title, side, pixels }) {
    const canvas = canvasOf(title);
    const draw = v => {
      const values = pixels(v), image = new ImageData(side, side);
      values.forEach((value, i) => {
        const grey = 255 * (1 - Math.min(Math.max(value, 0), 1));
        image.data.set([grey, grey, grey, 255], 4 * i);
      });
      canvas.width = canvas.height = side;
      canvas.getContext("2d").putImageData(image, 0, 0);
    };
    return [element("div", { className: "explorable-picture" }, canvas), draw];
  }

  function legend(layers) {
    const items = layers.filter(layer => layer.label).map(layer => {
      const swatch = element("span", { className: `explorable-swatch ${shapes[layer.shape]}` });
      swatch.style.color = `var(${colours[layer.colour]})`;
      swatch.setAttribute("aria-hidden", "true");
      return element("li", {}, swatch, layer.label);
    });
    return items.length ? [element("ul", { className: "explorable-legend" }, ...items)] : [];
  }

  // ---------------------------------------------------------------------------------------------------------- figures

  let count = 0;

  function slider(control, changed) {
    const { key, label, stops } = control;
    const nearest = value => {
      const away = stops.map(stop => Math.abs(Math.log(stop / value)));
      return away.indexOf(Math.min(...away));
    };
    const id = `explorable-${++count}-${key}`;
    const input = element("input", { type: "range", id, name: key });
    [input.min, input.max, input.step] = stops ? [0, stops.length - 1, 1] : [control.min, control.max, control.step];
    const shown = element("output", { htmlFor: id });
    const read = () => (stops ? stops[input.valueAsNumber] : input.valueAsNumber);
    const write = value => {
      input.value = stops ? nearest(value) : value;
      const text = minus(stops ? String(read()) : read().toFixed(2));
      shown.value = text;
      input.setAttribute("aria-valuetext", text);
    };
    write(control.start);
    input.addEventListener("input", () => (write(read()), changed()));
    const row = element("div", { className: "explorable-control" }, element("label", { htmlFor: id }, label), input, shown);
    return { key, input, read, write, row };
  }

  function build(root) {
    const store = root.querySelector("script[type='application/json']");
    const kind = kinds[root.dataset.explorable](unpack(JSON.parse(store.textContent)));
    const said = element("p", { className: "explorable-said" });
    said.setAttribute("aria-live", "polite");

    let asked = 0, timer = 0, v;
    const sliders = kind.controls.map(control => slider(control, () => refresh()));
    const figure = {
      focus: () => sliders[0].input.focus({ preventScroll: true }),
      set: values => {
        sliders.forEach(({ key, write }) => key in values && write(values[key]));
        refresh();
      },
    };
    const numbers = kind.numbers.map(number => {
      const value = element("dd");
      value.dataset.number = number.key;
      const term = element("dt", {}, number.label);
      if (number.colour) value.style.borderColor = `var(${colours[number.colour]})`;
      return { row: element("div", {}, term, value), show: () => (value.textContent = number.text(v)) };
    });

    const compute = () => (v = kind.at(Object.fromEntries(sliders.map(({ key, read }) => [key, read()]))));
    const panels = [];
    compute();
    const rows = kind.rows.map(row => element("div", { className: "explorable-row" }, ...row.map(panel => {
      const [place, draw] = panel.pixels ? picture(panel) : plot(panel, figure);
      panels.push(draw);
      const layers = panel.pixels ? [] : [...panel.fixed, ...panel.layers(v)];
      const title = element("p", { className: "explorable-title" }, panel.title);
      return element("div", { className: panel.pixels ? "explorable-panel explorable-small" : "explorable-panel" },
        title, place, ...legend(layers));
    })));

    const draw = () => panels.forEach(draw => draw(v));
    const drawSoon = () => (cancelAnimationFrame(asked), (asked = requestAnimationFrame(draw)));
    function refresh() {
      compute();
      numbers.forEach(({ show }) => show());
      drawSoon();
      clearTimeout(timer);
      timer = setTimeout(() => (said.textContent = kind.say(v)), 700);
    }

    root.querySelector("p").remove();
    root.append(element("div", { className: "explorable-controls" }, ...sliders.map(({ row }) => row)),
      element("dl", { className: "explorable-numbers" }, ...numbers.map(({ row }) => row)), ...rows, said);
    numbers.forEach(({ show }) => show());
    root.dataset.ready = "";
    new ResizeObserver(drawSoon).observe(root);
    new MutationObserver(drawSoon).observe(document.documentElement, { attributes: true, attributeFilter: ["data-theme"] });
  }

  // A figure is built when the reader comes near.
  const watcher = new IntersectionObserver(entries => entries.filter(entry => entry.isIntersecting).forEach(entry => {
    watcher.unobserve(entry.target);
    build(entry.target);
  }), { rootMargin: "800px" });
  document.querySelectorAll(".explorable").forEach(root => watcher.observe(root));
})();
