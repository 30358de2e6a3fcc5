"""What AWS answers is told in our words, with the next step."""

import pytest
from botocore.exceptions import ClientError, NoCredentialsError

from s3gate.canary.step import AwsSilent, asking


@pytest.mark.parametrize(
    ("raised", "told"),
    [
        pytest.param(
            ClientError({"Error": {"Code": "AccessDeniedException"}}, "X"),
            "AWS answered AccessDeniedException to logs:X: look at region, log group and permissions",
            id="refused",
        ),
        pytest.param(
            NoCredentialsError(),
            "AWS could not be asked for logs:X: Unable to locate credentials",
            id="no credentials",
        ),
    ],
)
def test_each_foreign_exception_is_one_line_of_ours(raised: Exception, told: str) -> None:
    with pytest.raises(AwsSilent) as caught, asking("logs:X"):
        raise raised
    assert str(caught.value) == told


def test_other_exceptions_pass() -> None:
    with pytest.raises(KeyError), asking("logs:X"):
        raise KeyError
