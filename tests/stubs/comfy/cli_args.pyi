"""What Curator uses of ComfyUI's command line."""

from argparse import Namespace

args: Namespace
