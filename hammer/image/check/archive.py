"""Rules of the stream: the frame, the tar archive, and its members one by one."""

from collections.abc import Iterator

from hammer.errors import ImageError, ImageNotLz4
from hammer.image import formats
from hammer.image.check import rules
from hammer.image.check.reader import Facts
from hammer.image.check.rules import Finding, Outcome
from hammer.stream import acl, frames
from hammer.stream.member import printable


def findings(facts: Facts) -> Iterator[Outcome]:
    if facts.fault is not None:
        yield Finding(rules.BY_ID[facts.fault.code], _text(facts.fault))
    if facts.too_many:
        yield Finding(rules.TOO_MANY_MEMBERS, facts.too_many)
    if facts.contradictions.count:
        yield Finding(rules.TAR_CORRUPT, f"cannot be written: {facts.contradictions}")
    if facts.missing_targets.count:
        yield Finding(rules.HARD_LINK_MISSING, f"hard link to nothing: {facts.missing_targets}")
    if facts.oversized.count:
        yield Finding(rules.MEMBER_SIZE, f"larger than ext4 allows: {facts.oversized}")
    if facts.bad_xattrs.count:
        yield Finding(rules.MEMBER_XATTR, f"cannot be set: {facts.bad_xattrs}")
    if not facts.incomplete:
        yield from _acls(facts)
    if facts.format is not None:
        yield from _format(facts, facts.format)
    yield from _end(facts)
    yield from _members(facts)


def _format(facts: Facts, format: frames.Format) -> Iterator[Outcome]:
    if format is not frames.LZ4:
        yield Finding(rules.IMAGE_FORMAT, f"the image is {format.name}")
    if not facts.content_checksum:
        yield Finding(rules.CONTENT_CHECKSUM, f"{format.name} without a content checksum")


def _text(fault: ImageError) -> str:
    text = str(fault)
    if isinstance(fault, ImageNotLz4):
        text += formats.remark(fault.begins_with)
    return text


def _end(facts: Facts) -> Iterator[Outcome]:
    if facts.zero_blocks < 2:
        found = "one block of zeros" if facts.zero_blocks else "no block of zeros"
        yield Finding(rules.END_MARK, f"the archive ends with {found} instead of two")
    if facts.bytes_after_end:
        text = f"{facts.bytes_after_end} bytes follow the end of the archive"
        yield Finding(rules.DATA_AFTER_END, text)


def _acls(facts: Facts) -> Iterator[Outcome]:
    """As the unpacker reads them at its end, names by the image's own files."""
    tables = [facts.tree.file(path) for path in ("etc/passwd", "etc/group")]
    uid_of, gid_of = (acl.ids_of((table and table.content) or b"") for table in tables)
    for text, name in facts.acls.items():
        try:
            acl.xattr_value(text, uid_of=uid_of, gid_of=gid_of)
        except ValueError as problem:
            yield Finding(rules.TAR_MEMBER_UNSUPPORTED, f"member {printable(name)}: {problem}")


def _members(facts: Facts) -> Iterator[Outcome]:
    found = facts.tree
    if found.twice.count:
        yield Finding(rules.MEMBER_TWICE, f"there more than once: {found.twice}")
    if found.retyped.count:
        yield Finding(rules.MEMBER_CHANGES_TYPE, f"replaced by another type: {found.retyped}")
    if found.through_links.count:
        yield Finding(rules.MEMBER_THROUGH_LINK, f"below a symbolic link: {found.through_links}")
    if facts.hidden.count:
        yield Finding(rules.MEMBER_HIDDEN, f"mounted over later: {facts.hidden}")
