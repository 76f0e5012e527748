from pathlib import Path

import pytest

from benchmarks.usage import Usage

FILES = {
    "v1": {
        "memory/pods/pod1/abc/memory.stat": "cache 52428800\nrss 1048576\ntotal_rss 2097152\n",
        "memory/pods/pod1/abc/cgroup.procs": "41\n42\n",
        "cpuacct/pods/pod1/abc/cpuacct.usage": "2500000000\n",
        "cpuacct/pods/pod1/abc/cpu.stat": "nr_periods 3\n",
        "memory/pods/pod1/other/memory.stat": "total_rss 1\n",
    },
    "v2": {
        "pods/pod1/cri-abc.scope/memory.stat": "anon 2097152\nfile 52428800\n",
        "pods/pod1/cri-abc.scope/cgroup.procs": "41\n42\n",
        "pods/pod1/cri-abc.scope/cpu.stat": "usage_usec 2500000\nuser_usec 1\n",
    },
}


@pytest.mark.parametrize("version", FILES)
def test_a_containers_own_memory_and_cpu_time_are_read(tmp_path: Path, version: str) -> None:
    for name, content in FILES[version].items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(content)
    usage = Usage.of("containerd://abc", root=tmp_path)
    assert (usage.anonymous_mib(), usage.cpu_seconds(), usage.process()) == (2, 2.5, 41)


def test_a_container_that_does_not_run_here_is_named(tmp_path: Path) -> None:
    with pytest.raises(LookupError, match="abc"):
        Usage.of("abc", root=tmp_path)
