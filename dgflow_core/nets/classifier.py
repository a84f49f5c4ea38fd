"""A small classifier whose penultimate layer measures image quality where Inception is not at hand."""

from __future__ import annotations

from torch import Tensor, nn

from dgflow_core.nets import architecture


@architecture("classifier")
class Classifier(nn.Module):
    """Images (n, channels, side, side) in [−1, 1] → class logits (n, classes); ``features`` gives (n, 64)."""

    num_features = 64

    def __init__(self, channels: int = 1, classes: int = 10, width: int = 16, side: int = 32):
        super().__init__()
        layers: list[nn.Module] = []
        for inputs, outputs in ((channels, width), (width, 2 * width), (2 * width, 4 * width)):
            layers += [
                nn.Conv2d(inputs, outputs, 3, 1, 1, bias=False),
                nn.BatchNorm2d(outputs),
                nn.ReLU(inplace=True),
                nn.MaxPool2d(2),
            ]
        self.body = nn.Sequential(
            *layers,
            nn.Flatten(),
            nn.Linear(4 * width * (side // 8) ** 2, self.num_features),
            nn.ReLU(inplace=True),
        )
        self.head = nn.Linear(self.num_features, classes)
        self.arguments = {"channels": channels, "classes": classes, "width": width, "side": side}

    def features(self, x: Tensor) -> Tensor:
        return self.body(x)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.body(x))
