import pulumi

from components.kubernetes.ca_certificates import PUBLIC, Authorities, AuthoritiesArgs, service_authority
from tests.cloud import autoname
from tests.components.parts import AUTHORITY, NAMESPACE
from tests.harness import Recording, deploy


def test_a_service_with_a_public_certificate_needs_nothing() -> None:
    def program() -> dict[str, object]:
        authority = service_authority("database", None, namespace=NAMESPACE, opts=pulumi.ResourceOptions())
        return {"file": authority.file, "mounts": len(authority.attachment.mounts)}

    got = deploy(program)
    assert got.exports == {"file": PUBLIC, "mounts": 0}
    assert list(got) == []


def test_a_services_own_ca_certificate_is_a_file_in_its_clients() -> None:
    def program() -> dict[str, object]:
        authority = service_authority("database", AUTHORITY, namespace=NAMESPACE, opts=pulumi.ResourceOptions())
        (mount,), (volume,) = authority.attachment.mounts, authority.attachment.volumes
        return {"file": authority.file, "path": mount.mount_path, "map": volume.config_map}

    got = deploy(program)
    assert got["database-authority"].inputs["data"] == {"ca.crt": f"{AUTHORITY}\n"}
    assert got.exports == {
        "file": "/etc/authorities/database/ca.crt",
        "path": "/etc/authorities/database",
        "map": {"name": autoname("database-authority")},
    }


def company() -> Recording:
    def program() -> dict[str, object]:
        args = AuthoritiesArgs(namespace=NAMESPACE, pem=AUTHORITY, image="mlflow:1.2.3")
        given = Authorities("authorities", args).attachment
        return {
            "env": {str(one.name): one.value for one in given.env},
            "mounts": [[one.mount_path, one.sub_path, one.read_only] for one in given.mounts],
            "init": [*given.init_containers],
        }

    return deploy(program)


def test_the_companys_ca_certificates_are_added_to_the_public_ones_of_the_image() -> None:
    (init,) = company().exports["init"]
    assert init["image"] == "mlflow:1.2.3"
    assert init["command"][-1] == f"cat {PUBLIC} /etc/authorities/ca.crt > /trust/ca-certificates.crt"
    assert init["securityContext"]["readOnlyRootFilesystem"] is True


def test_every_kind_of_client_finds_them_at_the_usual_path() -> None:
    got = company().exports
    assert got["mounts"] == [[PUBLIC, "ca-certificates.crt", True]]
    assert got["env"] == {"REQUESTS_CA_BUNDLE": PUBLIC, "AWS_CA_BUNDLE": PUBLIC}
