"""The index holds each operation once, the most demanding candidate first."""

from s3gate.s3.operation_index import (
    COMMON,
    FOLDED,
    INDEX,
    LITERALS,
    OLDER_NAMES,
    OPERATION_CLASS,
    OWNER_CHECKS,
)


def test_every_operation_stands_in_one_place() -> None:
    names = [shape.name for shapes in INDEX.values() for shape in shapes]
    assert sorted(names) == sorted(OPERATION_CLASS)
    assert OPERATION_CLASS.keys().isdisjoint(OLDER_NAMES)
    assert set(OLDER_NAMES.values()) <= OPERATION_CLASS.keys()


def test_candidates_differ_in_what_they_ask_for() -> None:
    for shapes in INDEX.values():
        weights = [shape.weight for shape in shapes]
        assert weights == sorted(weights, reverse=True)
        asks = {(shape.required_query, shape.required_headers) for shape in shapes}
        assert len(asks) == len(shapes) or {s.name for s in shapes} == {"ListBuckets", "ListDirectoryBuckets"}


def test_sources_and_routes_are_never_common() -> None:
    assert "x-amz-request-payer" in COMMON
    own = (
        "x-amz-copy-source",
        "x-amz-rename-source",
        "x-amz-fwd-",
        "x-amz-request-route",
        "x-amz-request-token",
    )
    assert not [name for name in COMMON if name.startswith(own)]


def test_names_are_known_folded() -> None:
    assert {name.lower() for name in LITERALS} <= FOLDED
    assert {"acl", "versionid", "awsaccesskeyid", "x-id"} <= FOLDED


def test_the_owner_is_compared_where_the_model_says_so() -> None:
    own, source = (
        OWNER_CHECKS["x-amz-expected-bucket-owner"],
        OWNER_CHECKS["x-amz-source-expected-bucket-owner"],
    )
    assert {"PutObject", "GetObject", "ListObjectsV2", "CopyObject"} <= own
    assert own.isdisjoint({"CreateBucket", "CreateSession", "ListBuckets", "RenameObject"})
    assert source == {"CopyObject", "UploadPartCopy"}
