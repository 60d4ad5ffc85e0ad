"""The built-in backbones."""

from salzoo.hookspecs import Register, hookimpl


@hookimpl
def register_backbones(register: Register) -> None:
    register(
        "salgan", "salzoo.backbones.salgan:SalGAN", summary="VGG-16 encoder and mirrored decoder (Pan et al., 2017)"
    )
    register(
        "center-bias",
        "salzoo.backbones.center_bias:CenterBias",
        summary="One map for every frame: a Gaussian, or fitted to a data set; training-free",
        aliases=("centerbias", "centre-bias"),
    )
    register(
        "spectral-residual",
        "salzoo.backbones.spectral_residual:SpectralResidual",
        summary="Spectral residual of each frame (Hou & Zhang, 2007); training-free",
    )
    register(
        "timm",
        "salzoo.backbones.timm_unet:TimmUNet",
        summary="Any timm encoder that gives feature maps, with a light U-Net decoder: timm:arch=resnet18",
    )
    register(
        "timm-small",
        "salzoo.backbones.timm_unet:small",
        summary="timm's MobileNetV3-Small at half width, with a light U-Net decoder: small and fast",
    )
    register(
        "timm-large",
        "salzoo.backbones.timm_unet:large",
        summary="timm's ConvNeXt-Base, with a U-Net decoder: large, for a GPU",
    )
    register(
        "adapted",
        "salzoo.adapting.backbone:adapted",
        summary="Another backbone, read out by few numbers that salzoo adapt fits: adapted:of=timm,arch=resnet18",
    )
