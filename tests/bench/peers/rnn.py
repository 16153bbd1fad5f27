#!/usr/bin/env python3
"""The work of bench_rnn and bench_rnn_train by PyTorch, ONNX Runtime and Keras, as far as they are installed, one
thread each, side by side with ours in one run; every ratio beside the one that is asked for. No test needs this.
usage: rnn.py [--bench FOLDER] [--rounds N]    FOLDER has bench_rnn and bench_rnn_train (build/release/tests/bench)

Everybody's time is processor time of the process, so that others on the machine do not count; all take turns N times,
and the fastest turn of each counts. ONNX Runtime is called from Python with inputs and outputs bound once (IO binding):
nothing is copied or allocated in a call. What Python itself adds, an empty call into the same module, is measured,
printed and taken off; what is left is the time of its C function. PyTorch's step is the better of nn.GRU or nn.LSTM and
of the cell of that name, under inference_mode; its calls are counted as they are, for they are its own."""
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


# ---- measuring ----

def turn_ns(call, slices=10, slice_s=0.005):
    """Nanoseconds a call, the fastest of some short slices."""
    for _ in range(3):
        call()
    begin = time.process_time_ns()
    call()
    repeats = max(1, int(slice_s * 1e9 / max(1, time.process_time_ns() - begin)))
    best = float("inf")
    for _ in range(slices):
        begin = time.process_time_ns()
        for _ in range(repeats):
            call()
        best = min(best, (time.process_time_ns() - begin) / repeats)
    return best


def ours(folder, program):
    """{key of a row: value} of a bench that prints TSV; nothing where it is not built."""
    path = os.path.join(folder, program)
    if not os.path.exists(path):
        return {}
    rows = subprocess.run([path, "--tsv"], check=True, capture_output=True, text=True).stdout.splitlines()
    return {tuple(row.split("\t")[:-1]): float(row.split("\t")[-1]) for row in rows}


def in_turns(rounds, folder, program, calls):
    """Ours and the calls {key: callable}, one after the other, N times. @return the best of each"""
    own, others = {}, {}
    for number in range(rounds):
        print(f"\rround {number + 1} of {rounds}", end="", flush=True)
        for key, value in ours(folder, program).items():
            own[key] = min(own.get(key, value), value)  # of a share of sgemm, too: no lucky one
        for key, call in calls.items():
            ns = turn_ns(call)
            others[key] = min(others.get(key, ns), ns)
    print("\r" + 40 * " " + "\r", end="")
    return own, others


def verdict(ratio, asked):
    """The ratio, the one asked for and whether it is reached."""
    if not ratio:
        return ""
    if asked is None:
        return f"{ratio:7.2f} x"
    return f"{ratio:7.2f} x   asked {asked:<4g}{'met' if ratio >= asked else 'NOT MET'}"


# ---- a step of serving ----

STEPS = [(cell, width, batch) for cell in ("gru", "lstm") for width in (32, 64, 128, 250) for batch in (1, 32, 256)]


def asked_step(width, batch):
    """How many times the better of the others, at least; None: nothing is asked."""
    if width in (32, 64):
        return 1.3 if batch == 256 else 2
    return 1 if (width, batch) == (250, 256) else None


def torch_step(cell, width, batch):
    """Two ways of one step, to call."""
    layers, inputs = [], width
    for i, outputs in enumerate(HEAD):
        layers += [torch.nn.Linear(inputs, outputs)] + ([torch.nn.ReLU()] if i + 1 < len(HEAD) else [])
        inputs = outputs
    head = torch.nn.Sequential(*layers).eval()
    x, h = torch.randn(batch, INPUTS), torch.randn(batch, width)
    state = (h, h.clone()) if cell == "lstm" else h
    layer = getattr(torch.nn, cell.upper())(INPUTS, width).eval()
    one = getattr(torch.nn, cell.upper() + "Cell")(INPUTS, width).eval()
    sequence = x.unsqueeze(0)
    carried = tuple(s.unsqueeze(0) for s in state) if cell == "lstm" else state.unsqueeze(0)

    def by_layer():
        with torch.inference_mode():
            output, _ = layer(sequence, carried)
            return head(output[0])

    def by_cell():
        with torch.inference_mode():
            after = one(x, state)
            return head(after[0] if cell == "lstm" else after)

    return by_layer, by_cell


def onnx_step(cell, width, batch):
    """(the step, an empty call into the same module), both to call"""
    from onnx import TensorProto, helper, numpy_helper

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
    shapes = {"x": (1, batch, INPUTS), **{s: (1, batch, width) for s in states}}
    results = {"y": (batch, HEAD[-1]), **{a: (1, batch, width) for a in after}}
    graph = helper.make_graph(
        nodes, "step", [helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in shapes.items()],
        [helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in results.items()],
        [numpy_helper.from_array(v, n) for n, v in weights.items()])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 9
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    binding = session.io_binding()
    for name, shape in shapes.items():
        binding.bind_ortvalue_input(name, ort.OrtValue.ortvalue_from_numpy(drawn(*shape)))
    for name, shape in results.items():
        binding.bind_ortvalue_output(name, ort.OrtValue.ortvalue_from_numpy(drawn(*shape)))
    return lambda: session.run_with_iobinding(binding), binding.synchronize_inputs


def show_steps(folder, rounds):
    calls = {}
    for case in STEPS:
        if torch:
            calls[("torch layer", *case)], calls[("torch cell", *case)] = torch_step(*case)
        if onnx and ort:
            calls[("onnx", *case)], calls[("onnx call", *case)] = onnx_step(*case)
    own, others = in_turns(rounds, folder, "bench_rnn", calls)
    print(f"one recurrent step with head {INPUTS} -> H -> {' -> '.join(map(str, HEAD))}, us a sample; ratio: the better of the others")
    print(f"{'cell':5}{'H':>5}{'batch':>6}{'ours':>10}{'PyTorch':>10}{'ONNX RT':>10}{'(call)':>9}")
    for cell, width, batch in STEPS:
        def us(name):
            return others.get((name, cell, width, batch), 0) / batch / 1e3

        mine = own.get(("step", cell, str(width), str(batch)), 0) / 1e3
        by_torch = min(us("torch layer"), us("torch cell"))
        by_onnx = us("onnx") - us("onnx call")
        better = min([v for v in (by_torch, by_onnx) if v], default=0)
        print(f"{cell:5}{width:5}{batch:6}{mine:10.3f}{by_torch:10.3f}{by_onnx:10.3f}{us('onnx call'):9.3f}"
              f"{verdict(mine and better / mine, asked_step(width, batch))}")
    print("\nproducts of a step at a batch of 256 beside sgemm on the same shapes")
    for key, percent in own.items():
        if key[0] == "products":
            print(f"H {key[1]:>4}{verdict(percent / 100, .9 if key[1] == '250' else None)}")


# ---- a step of training ----

# cell, inputs, width, batch, steps: times PyTorch, at least
TRAIN = {("gru", 13, 32, 16, 64): 4, ("lstm", 13, 32, 16, 64): 1.5, ("gru", 13, 64, 16, 64): None,
         ("lstm", 13, 64, 16, 64): None, ("gru", 9, 128, 64, 32): 1.5, ("lstm", 9, 128, 64, 32): 1,
         ("gru", 9, 250, 64, 32): None, ("lstm", 9, 250, 64, 32): 1}
FIT = ("lstm", 9, 250, 32, 1)
FIT_ASKED = {"PyTorch loop": 1, "Keras fit": 5}


def torch_training(cell, inputs, width, batch, steps, loss, optimizer):
    """Forward over the sequence, a linear head on the last state, loss, backward, update; to call."""
    layer, head = getattr(torch.nn, cell.upper())(inputs, width), torch.nn.Linear(width, 1)
    update = optimizer([*layer.parameters(), *head.parameters()])
    x, y = torch.randn(steps, batch, inputs), torch.randn(batch, 1)

    def step():
        update.zero_grad()
        output, _ = layer(x)
        loss(head(output[-1]), y).backward()
        update.step()

    return step


def keras_fit(rounds, samples=12800):
    """Samples a second of the best epoch, the first, slower one left out."""
    model = keras.Sequential([keras.Input((1, 9)), keras.layers.LSTM(250), keras.layers.Dense(1)])
    model.compile(loss="mae", optimizer="rmsprop")
    x, y = np.random.rand(samples, 1, 9).astype(np.float32), np.random.rand(samples, 1).astype(np.float32)
    best = float("inf")
    for number in range(rounds + 1):
        begin = time.process_time()
        model.fit(x, y, batch_size=32, epochs=1, verbose=0)
        if number:
            best = min(best, time.process_time() - begin)
    return samples / best


def key_of(kind, case):
    return (kind, *map(str, case))


def show_training(folder, rounds):
    calls = {}
    if torch:
        for case in TRAIN:
            calls[case] = torch_training(*case, torch.nn.functional.mse_loss, torch.optim.Adam)
        calls["fit"] = torch_training(*FIT, torch.nn.functional.l1_loss, torch.optim.RMSprop)
    own, others = in_turns(rounds, folder, "bench_rnn_train", calls)
    print("\na training step: forward, backward, Adam, ms")
    print(f"{'cell':5}{'I':>4}{'H':>5}{'batch':>6}{'steps':>6}{'ours':>10}{'PyTorch':>10}")
    for case, asked in TRAIN.items():
        cell, inputs, width, batch, steps = case
        mine, theirs = own.get(key_of("train", case), 0), others.get(case, 0)
        print(f"{cell:5}{inputs:4}{width:5}{batch:6}{steps:6}{mine / 1e6:10.3f}{theirs / 1e6:10.3f}"
              f"{verdict(mine and theirs / mine, asked)}")
    mine = own.get(key_of("fit", FIT))
    rates = {"ours": 32e9 / mine} if mine else {}
    if torch:
        rates["PyTorch loop"] = 32e9 / others["fit"]
    if keras:
        rates["Keras fit"] = keras_fit(rounds)
    print("\nan LSTM of one step, 9 inputs, H 250, mae, rmsprop, batch 32: samples a second")
    for name, rate in rates.items():
        print(f"{name:14}{rate:10,.0f}{verdict('ours' in rates and name in FIT_ASKED and rates['ours'] / rate, FIT_ASKED.get(name))}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bench", default="build/release/tests/bench", help="folder with our benchmarks")
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    for name, module in (("PyTorch", torch), ("ONNX Runtime", ort), ("Keras", keras)):
        print(f"{name}: {module.__version__ if module else 'not installed'}")
    show_steps(arguments.bench, arguments.rounds)
    show_training(arguments.bench, arguments.rounds)


if __name__ == "__main__":
    main()
