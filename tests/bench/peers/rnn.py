#!/usr/bin/env python3
"""The work of bench_rnn and bench_rnn_train by PyTorch, ONNX Runtime and Keras, as far as they are installed, one
thread each, side by side with ours in one run. No test needs this.
usage: rnn.py [--bench FOLDER] [--rounds N]    FOLDER has bench_rnn and bench_rnn_train (build/release/tests/bench)

ONNX Runtime is called from Python; what such a call costs is measured with a graph of the same inputs and outputs that
computes nothing, printed, and taken off its time before the ratio. PyTorch's step is the better of nn.GRU or nn.LSTM
and of the cell of that name, under inference_mode; its calls are counted as they are, for they are its own."""
import argparse
import os
import subprocess
import time

os.environ.setdefault("KERAS_BACKEND", "torch")
for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"

import numpy as np

HEAD = (64, 64, 3)
INPUTS = 13


def optional(name):
    try:
        return __import__(name)
    except ImportError:
        return None


torch, onnx, ort = optional("torch"), optional("onnx"), optional("onnxruntime")
keras = optional("keras") if torch else None
if torch:
    torch.set_num_threads(1)


def best_ns(call, rounds, round_s=0.05):
    """The fastest of the rounds, nanoseconds a call."""
    for _ in range(20):
        call()
    begin = time.perf_counter_ns()
    call()
    repeats = max(1, int(round_s * 1e9 / max(1, time.perf_counter_ns() - begin)))
    best = float("inf")
    for _ in range(rounds):
        begin = time.perf_counter_ns()
        for _ in range(repeats):
            call()
        best = min(best, (time.perf_counter_ns() - begin) / repeats)
    return best


def ours(folder, program):
    """{key of a row: value} of a bench that prints TSV; nothing where it is not built."""
    path = os.path.join(folder, program)
    if not os.path.exists(path):
        return {}
    rows = subprocess.run([path, "--tsv"], check=True, capture_output=True, text=True).stdout.splitlines()
    return {tuple(row.split("\t")[:-1]): float(row.split("\t")[-1]) for row in rows}


def torch_head(width):
    layers, inputs = [], width
    for i, outputs in enumerate(HEAD):
        layers += [torch.nn.Linear(inputs, outputs)] + ([torch.nn.ReLU()] if i + 1 < len(HEAD) else [])
        inputs = outputs
    return torch.nn.Sequential(*layers)


def torch_step(cell, width, batch, rounds):
    head = torch_head(width).eval()
    x, h = torch.randn(batch, INPUTS), torch.randn(batch, width)
    state = (h, h.clone()) if cell == "lstm" else h
    layer = getattr(torch.nn, cell.upper())(INPUTS, width).eval()
    one = getattr(torch.nn, cell.upper() + "Cell")(INPUTS, width).eval()
    sequence = x.unsqueeze(0)
    carried = tuple(s.unsqueeze(0) for s in state) if cell == "lstm" else state.unsqueeze(0)

    def by_layer():
        output, _ = layer(sequence, carried)
        return head(output[0])

    def by_cell():
        after = one(x, state)
        return head(after[0] if cell == "lstm" else after)

    with torch.inference_mode():
        return min(best_ns(by_layer, rounds), best_ns(by_cell, rounds))


def onnx_session(nodes, inputs, outputs, weights):
    from onnx import TensorProto, helper, numpy_helper

    graph = helper.make_graph(
        nodes, "step",
        [helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in inputs],
        [helper.make_tensor_value_info(n, TensorProto.FLOAT, None) for n in outputs],
        [numpy_helper.from_array(v, n) for n, v in weights.items()])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 9
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])


def onnx_step(cell, width, batch, rounds):
    """(nanoseconds of the step, of the same call that computes nothing)"""
    from onnx import helper

    def drawn(*shape):
        return (np.random.rand(*shape) - 0.5).astype(np.float32)

    gates = 4 if cell == "lstm" else 3
    states = ["h", "c"] if cell == "lstm" else ["h"]
    after = [s + "1" for s in states]
    weights = {"W": drawn(1, gates * width, INPUTS), "R": drawn(1, gates * width, width), "B": drawn(1, 2 * gates * width)}
    extra = {} if cell == "lstm" else {"linear_before_reset": 1}
    nodes = [helper.make_node(cell.upper(), ["x", "W", "R", "B", ""] + states, [""] + after, hidden_size=width, **extra),
             helper.make_node("Reshape", [after[0], "shape"], ["a0"])]
    weights["shape"] = np.array([batch, width], np.int64)
    inputs = width
    for i, outputs in enumerate(HEAD):
        last = i + 1 == len(HEAD)
        weights[f"w{i}"], weights[f"b{i}"] = drawn(inputs, outputs), drawn(outputs)
        nodes.append(helper.make_node("Gemm", [f"a{i}", f"w{i}", f"b{i}"], ["y" if last else f"g{i}"]))
        if not last:
            nodes.append(helper.make_node("Relu", [f"g{i}"], [f"a{i + 1}"]))
        inputs = outputs
    shapes = [("x", [1, batch, INPUTS])] + [(s, [1, batch, width]) for s in states]
    feed = {name: drawn(*shape) for name, shape in shapes}
    session = onnx_session(nodes, shapes, ["y"] + after, weights)
    empty = onnx_session([helper.make_node("Identity", [s], [a]) for s, a in zip(states, after)] +
                         [helper.make_node("Identity", ["y0"], ["y"])], shapes, ["y"] + after,
                         {"y0": drawn(batch, HEAD[-1])})
    names = ["y"] + after
    return best_ns(lambda: session.run(names, feed), rounds), best_ns(lambda: empty.run(names, feed), rounds)


def ratio(peer, own):
    return f"{peer / own:8.1f} x" if peer and own else f"{'':10}"


def show_steps(own, rounds):
    print(f"one recurrent step with head {INPUTS} -> H -> {' -> '.join(map(str, HEAD))}, us a sample")
    print(f"{'cell':5}{'H':>5}{'batch':>6}{'ours':>10}{'PyTorch':>10}{'ONNX RT':>10}{'its call':>10}"
          f"{'PyTorch':>10}{'ONNX RT':>10}{'the better':>12}")
    for (kind, cell, width, batch), ns in own.items():
        rows = int(batch)
        t = torch_step(cell, int(width), rows, rounds) / rows if torch else 0
        o = c = 0
        if onnx and ort:
            o, c = (v / rows for v in onnx_step(cell, int(width), rows, rounds))
        peers = [v for v in (t, o - c) if v]
        print(f"{cell:5}{width:>5}{batch:>6}{ns / 1e3:10.3f}{t / 1e3:10.3f}{o / 1e3:10.3f}{c / 1e3:10.3f}"
              f"{ratio(t, ns)}{ratio(o - c, ns)}  {ratio(min(peers), ns) if peers else ''}", flush=True)


TRAIN = [("gru", 13, 32, 16, 64), ("lstm", 13, 32, 16, 64), ("gru", 9, 128, 64, 32), ("lstm", 9, 128, 64, 32),
         ("lstm", 9, 250, 32, 1)]


def torch_training(cell, inputs, width, batch, steps, loss, optimizer, rounds):
    """Forward over the sequence, a linear head on the last state, loss, backward, update."""
    layer, head = getattr(torch.nn, cell.upper())(inputs, width), torch.nn.Linear(width, 1)
    update = optimizer([*layer.parameters(), *head.parameters()])
    x, y = torch.randn(steps, batch, inputs), torch.randn(batch, 1)

    def step():
        update.zero_grad()
        output, _ = layer(x)
        loss(head(output[-1]), y).backward()
        update.step()

    return best_ns(step, rounds, 0.2)


def show_training(own, rounds):
    print("\na training step: forward, backward, Adam, ms")
    print(f"{'cell':5}{'I':>4}{'H':>5}{'batch':>6}{'steps':>6}{'ours':>10}{'PyTorch':>10}{'ratio':>10}")
    for cell, inputs, width, batch, steps in TRAIN:
        ns = own.get(("train", cell, str(inputs), str(width), str(batch), str(steps)))
        t = torch_training(cell, inputs, width, batch, steps, torch.nn.functional.mse_loss, torch.optim.Adam,
                           rounds) if torch else 0
        print(f"{cell:5}{inputs:4}{width:5}{batch:6}{steps:6}{f'{ns / 1e6:.3f}' if ns else '-':>10}{t / 1e6:10.3f}"
              f"{ratio(t, ns)}", flush=True)


def keras_fit(samples=12800, batch=32):
    """Samples a second of the second epoch on."""
    model = keras.Sequential([keras.Input((1, 9)), keras.layers.LSTM(250), keras.layers.Dense(1)])
    model.compile(loss="mae", optimizer="rmsprop")
    x, y = np.random.rand(samples, 1, 9).astype(np.float32), np.random.rand(samples, 1).astype(np.float32)
    model.fit(x, y, batch_size=batch, epochs=1, verbose=0)
    begin = time.perf_counter()
    model.fit(x, y, batch_size=batch, epochs=1, verbose=0)
    return samples / (time.perf_counter() - begin)


def show_fit(own, rounds):
    ns = own.get(("fit", "lstm", "9", "250", "32", "1"))
    print("\nan LSTM of one step, 9 inputs, H 250, mae, rmsprop, batch 32: samples a second")
    rate = 32e9 / ns if ns else 0
    print(f"  ours           {rate:10,.0f}" if ns else "  ours                    -")
    if torch:
        step = torch_training("lstm", 9, 250, 32, 1, torch.nn.functional.l1_loss, torch.optim.RMSprop, rounds)
        print(f"  PyTorch loop   {32e9 / step:10,.0f}{ratio(rate, 32e9 / step)}")
    if keras:
        fit = keras_fit()
        print(f"  Keras fit      {fit:10,.0f}{ratio(rate, fit)}   (Keras {keras.__version__}, {keras.backend.backend()})")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bench", default="build/release/tests/bench", help="folder with our benchmarks")
    parser.add_argument("--rounds", type=int, default=7)
    arguments = parser.parse_args()
    for name, module in (("PyTorch", torch), ("ONNX Runtime", ort), ("Keras", keras)):
        print(f"{name}: {module.__version__ if module else 'not installed'}")
    show_steps(ours(arguments.bench, "bench_rnn"), arguments.rounds)
    training = ours(arguments.bench, "bench_rnn_train")
    show_training(training, arguments.rounds)
    show_fit(training, arguments.rounds)


if __name__ == "__main__":
    main()
