"""The rules of a layout as far as JSON Schema can say them.

A schema sees one place at a time: who provides a device, who uses it twice and
which size may be 0 are for `contract check` alone.
"""

from pydantic.config import JsonDict

# contract/layout_places.py: device_name.
_DEVICE = r"/dev(?:/[A-Za-z0-9_+:-][A-Za-z0-9_+.:-]*)+"
DEVICE: JsonDict = {"pattern": f"^{_DEVICE}$"}
DISK: JsonDict = {"pattern": f"^(?!/dev/disk/){_DEVICE}$"}
PROVIDED: JsonDict = {"pattern": "^/dev/"}

LVM_NAME: JsonDict = {"pattern": r"^(?!\.\.?$)[A-Za-z0-9+_.][A-Za-z0-9+_.-]{0,126}$"}

PARTITION_LABEL: JsonDict = {"pattern": r"^[^:\u0000-\u001f\u007f]*$", "maxLength": 36}
LABEL: JsonDict = {"pattern": r"^[^\u0000-\u001f\u007f]*$"}
MOUNT_PATH: JsonDict = {"pattern": r"^(?:/|(?:/(?!\.\.?(?:/|$))[^/ \u0000-\u001f\u007f]+)+)?$"}

SIZE_NAME: JsonDict = {"pattern": r"^[^*]*$"}
_VERSION = r"v?[0-9]+(?:\.[0-9]+){0,2}(?:-[0-9A-Za-z.-]+)?(?:\+[0-9A-Za-z.-]+)?"
VERSIONS: JsonDict = {"pattern": rf"^ *(?:\*|(?:(?:=|!=|>|<|>=|=>|<=|=<|~|~>|\^) )?{_VERSION}) *$"}
OPERATING_SYSTEMS: JsonDict = {"propertyNames": {"pattern": r"^[^*]*$"}}


def _formats(*names: str) -> JsonDict:
    return {"properties": {"format": {"enum": [*names]}}, "required": ["format"]}


def _label(limit: int) -> JsonDict:
    """Bytes at most, of which a character has one or more."""
    return {"properties": {"label": {"maxLength": limit}}}


# Printable ASCII less * ? . , ; : / \ | + = < > [ ] " and without a space at the ends.
_VFAT = r"[!#-)\-0-9@-Z^-{}~]"
_VFAT_LABEL: JsonDict = {
    "pattern": rf"^(?:{_VFAT}(?:(?:{_VFAT}| )*{_VFAT})?)?$",
    "maxLength": 11,
}

FILESYSTEM: JsonDict = {
    "allOf": [
        {
            "if": _formats("vfat"),
            "then": {"properties": {"label": {"maxLength": 11} | _VFAT_LABEL}},
        },
        {"if": _formats("ext3", "ext4"), "then": _label(16)},
        {"if": _formats("swap"), "then": _label(15)},
        {
            "if": _formats("none", "swap"),
            "then": {"properties": {"path": {"enum": ["", None]}}},
        },
        {
            "if": _formats("tmpfs"),
            "then": {
                "properties": {"path": {"type": "string", "minLength": 2}},
                "required": ["path"],
            },
            "else": {
                "properties": {
                    "path": {"pattern": "^(?!/(?:proc|sys|dev)(?:/|$))"},
                    "device": PROVIDED,
                }
            },
        },
        {
            "if": {
                "properties": {"path": {"type": "string", "minLength": 1}},
                "required": ["path"],
            },
            "then": {
                "properties": {
                    "mountoptions": {"items": {"pattern": r"^[^ \u0000-\u001f\u007f]+$"}}
                }
            },
        },
    ]
}

_SOME: JsonDict = {"type": "array", "minItems": 1, "uniqueItems": True}

RAID: JsonDict = {
    "required": ["arrayname", "devices", "level"],
    "allOf": [
        {"properties": {"devices": _SOME}},
        {
            "if": {"properties": {"level": {"enum": ["0", 0]}}},
            "then": {"properties": {"spares": {"const": 0}}},
        },
    ],
}

VOLUME_GROUP: JsonDict = {
    "required": ["name", "devices"],
    "allOf": [{"properties": {"devices": _SOME}}],
}

LAYOUT: JsonDict = {
    "required": ["filesystems"],
    "allOf": [
        {
            "properties": {
                "filesystems": {
                    "type": "array",
                    "contains": {"properties": {"path": {"const": "/"}}, "required": ["path"]},
                    "maxContains": 1,
                }
            }
        }
    ],
}
