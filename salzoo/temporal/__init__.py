"""The built-in temporal modules."""

from salzoo.hookspecs import Register, hookimpl


@hookimpl
def register_temporal_modules(register: Register) -> None:
    register("ema", "salzoo.temporal.ema:EMA", summary="Exponential moving average of a layer's output (SalEMA)")
    register(
        "convlstm", "salzoo.temporal.convlstm:ConvLSTM", summary="Convolutional LSTM on a layer's input (SalCLSTM)"
    )
