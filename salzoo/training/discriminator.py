"""SalGAN's discriminator, which tells maps of observers from maps of a network (Pan et al., arXiv 1701.01081)."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from salzoo.interfaces import Preprocessing, SalzooError

EPSILON = 1e-6
"""Added within the root of the weight normalisation."""


class Discriminator(nn.Module):
    """The probability that a map was made by observers who saw the image, as in SalGAN's release.

    conv1×1→3; conv3×3→32; max pool 4; conv3×3→64 twice; max pool 2; conv3×3→64 twice, their weights normalised; max
    pool 2; dense 100 tanh, 2 tanh, 1 sigmoid; a ReLU after each convolution. Where the release and the paper's table
    differ (first pool 4, not 2), it is the release.

    Args:
        size: (height, width) of maps and images; at least 16×16.
    """

    def __init__(self, size: tuple[int, int]) -> None:
        super().__init__()
        height, width = (side // 4 // 2 // 2 for side in size)
        if not (height and width):
            raise SalzooError(f"the discriminator needs an input of at least 16x16, not {size[0]}x{size[1]}")
        self.conv1 = nn.Conv2d(4, 3, 1)
        self.conv2 = nn.Conv2d(3, 32, 3, padding=1)
        self.conv3 = nn.Conv2d(32, 64, 3, padding=1)
        self.conv4 = nn.Conv2d(64, 64, 3, padding=1)
        self.conv5 = nn.Conv2d(64, 64, 3, padding=1)
        self.conv6 = nn.Conv2d(64, 64, 3, padding=1)
        self.dense1 = nn.Linear(64 * height * width, 100)
        self.dense2 = nn.Linear(100, 2)
        self.dense3 = nn.Linear(2, 1)

    def forward(self, maps: Tensor, images: Tensor) -> Tensor:
        """Judge maps (N, 1, H, W) in [0, 1] beside their images (N, 3, H, W), RGB, 0–255: probabilities (N,)."""
        x = torch.relu(self.conv1(torch.cat([maps, images], 1)))
        x = F.max_pool2d(torch.relu(self.conv2(x)), 4)
        x = torch.relu(self.conv4(torch.relu(self.conv3(x))))
        x = F.max_pool2d(x, 2)
        for conv in (self.conv5, self.conv6):
            x = torch.relu(F.conv2d(x, normalise_weight(conv.weight), conv.bias, padding=1))
        x = F.max_pool2d(x, 2).flatten(1)
        x = torch.tanh(self.dense2(torch.tanh(self.dense1(x))))
        return torch.sigmoid(self.dense3(x)).squeeze(1)


def normalise_weight(weight: Tensor) -> Tensor:
    """Weight normalisation with its gain fixed at 1 (Salimans & Kingma, 2016): each output channel's kernel
    (out, in, h, w) gets norm 1."""
    norm: Tensor = (weight.square().sum((1, 2, 3), keepdim=True) + EPSILON).sqrt()
    return weight / norm


def discriminator_loss(discriminator: nn.Module, images: Tensor, real: Tensor, fake: Tensor) -> Tensor:
    """What the discriminator minimises: cross-entropy of judging real maps real and a network's maps not.

    Args:
        discriminator: or the same within another module.
        images: (N, 3, H, W), RGB, 0–255.
        real, fake: (N, 1, H, W); no gradient goes into ``fake``.
    """
    # Both in one pass, which is all that DistributedDataParallel allows before a backward pass.
    judged = discriminator(torch.cat([real, fake.detach()]), torch.cat([images, images]))
    wanted = torch.cat([judged.new_ones(len(real)), judged.new_zeros(len(fake))])
    return 2 * F.binary_cross_entropy(judged, wanted)


def adversarial_loss(discriminator: nn.Module, images: Tensor, fake: Tensor) -> Tensor:
    """What the network minimises against the discriminator: cross-entropy of judging its maps real.

    Shapes as in ``discriminator_loss``.
    """
    judged = discriminator(fake, images)
    return F.binary_cross_entropy(judged, torch.ones_like(judged))


def to_rgb(inputs: Tensor, preprocessing: Preprocessing) -> Tensor:
    """Turn a model's input (N, 3, H, W) back into RGB, 0–255."""
    mean, std = (torch.tensor(v, device=inputs.device).view(3, 1, 1) for v in (preprocessing.mean, preprocessing.std))
    images = inputs * std + mean
    return images if preprocessing.channel_order == "rgb" else images.flip(1)
