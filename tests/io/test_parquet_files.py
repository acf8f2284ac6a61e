"""Parquet of strangers: what it unpacks to counts, not what it states."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from phusong.errors import InputError
from phusong.io.limits import check_parquet
from phusong.region.read.table import open_table


@pytest.mark.parametrize("by_dictionary", [True, False])
def test_one_long_text_packed_once_is_counted_as_often_as_it_stands(tmp_path, by_dictionary):
    path = tmp_path / "sites.parquet"
    names = pa.array(["phủ sóng " * 1000] * 4096)
    pq.write_table(pa.table({"name": names.dictionary_encode() if by_dictionary else names}), path)
    assert path.stat().st_size < 100_000
    with pytest.raises(InputError, match="unpacks to more than 20,000,000 bytes"):
        check_parquet(path, most=20_000_000, plain=False)
    check_parquet(path, most=60_000_000, plain=False)


def test_a_table_of_a_region_with_more_values_than_are_read_is_refused(tmp_path):
    path = tmp_path / "sites.parquet"
    with pq.ParquetWriter(path, pa.schema([(f"c{k}", pa.null()) for k in range(2000)])) as file:
        file.write_table(pa.table({f"c{k}": pa.nulls(600_000) for k in range(2000)}))
    with pytest.raises(InputError, match="1,000,000,000 values"):
        open_table(path, "sites")
