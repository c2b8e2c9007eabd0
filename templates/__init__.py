"""What can be built. A stack of your own is one more file here and one more line below."""

from collections.abc import Mapping

from moorage.model import TemplateModule
from templates import cluster, network

TEMPLATES: Mapping[str, TemplateModule] = {
    "cluster": cluster,
    "network": network,
}
