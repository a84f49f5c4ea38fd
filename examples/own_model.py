"""Networks of one's own in the explorer.

    DGFLOW_REGISTER=examples/own_model.py make app
    DGFLOW_REGISTER=examples/own_model.py python -m dgflow_core refine mine/gan --space latent --n 64

The two networks here are untrained; load your own weights where the comment says so.
"""

from torch import nn

import dgflow_core as dg

generator = nn.Sequential(
    nn.Linear(64, 128 * 8 * 8), nn.ReLU(), nn.Unflatten(1, (128, 8, 8)),
    nn.ConvTranspose2d(128, 64, 4, 2, 1), nn.ReLU(), nn.ConvTranspose2d(64, 3, 4, 2, 1), nn.Tanh(),
)  # fmt: skip
discriminator = nn.Sequential(
    nn.Conv2d(3, 32, 4, 2, 1), nn.LeakyReLU(0.2), nn.Conv2d(32, 64, 4, 2, 1), nn.LeakyReLU(0.2),
    nn.Flatten(), nn.Linear(64 * 8 * 8, 1),
)  # fmt: skip
# generator.load_state_dict(torch.load("generator.pth", weights_only=True))
# discriminator.load_state_dict(torch.load("discriminator.pth", weights_only=True))

dg.register("mine/gan", generator, discriminator, dim=64, title="My GAN", dataset="cifar10")
