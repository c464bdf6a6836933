"""What the measures of videos are, in a sentence each, for pages."""

from collections.abc import Iterable

MEANT = {
    "adherence": "share of what the prompt says, its kind of scene included, that the probe reads",
    "persistence": "share of the probe's answers in the first four seconds that it still gives later",
    "feature change": "distance of the probe's features from those of the first four seconds, a feature",
    "change over two seconds": "mean change of a small picture in two seconds, over that of true renders of "
    "the prompt: what travels changes by more than from frame to frame, what shimmers does not",
    "retrieval": "share of stretches that lie nearest to true renders of their own prompt, among all prompts",
    "brightness": "mean luma, of the full range",
    "contrast": "standard deviation of luma in a frame, of the full range",
    "saturation": "mean spread between a pixel's largest and smallest colour, of the full range",
    "sharpness": "mean size of the Laplacian of luma, of the full range",
    "motion": "mean change of luma from frame to frame, of the full range",
    "histogram": "distance of the histogram of colours from that of the first second, of the full range",
    "kernel distance above floor": "unbiased squared kernel distance between the probe's features of videos "
    "and of true renders, less that between two sets of true renders",
    "Frechet distance above floor": "squared Frechet distance between the same, less that of true renders",
    "distance between prompts": "mean distance between the features of different prompts' videos, a feature",
    "light kept": "1 if brightness, contrast and saturation end within 0.05 of how they begin (15 % each)",
    "joints": "change of the picture where one latent follows another, over that between other frames",
    "seams": "change where what is made together follows the last, over that at other joints of latents",
    "cuts": "sudden changes of the whole picture, a video",
    "freezes": "stretches that stand still, a video",
    "blanks": "stretches of a picture without contrast, a video",
    "repetition": "how strongly a video resembles itself after two seconds or more; 0 is not at all",
}


def meanings(names: Iterable[str]) -> dict[str, str]:
    """Return what the measures of these names are: without "of walls", "last 15 %" and other narrowings.

    Raises:
        KeyError: one is not known.
    """
    stems = dict.fromkeys(name.partition(", ")[0].partition(" of ")[0] for name in names)
    return {stem: MEANT[stem] for stem in stems}
