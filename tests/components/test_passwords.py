from components.login.passwords import Passwords, PasswordsArgs
from tests.harness import Recording, deploy

USERS = ("erin@example.com", "dora@example.com")


def passwords() -> Recording:
    def program() -> dict[str, object]:
        component = Passwords("users", PasswordsArgs(users=USERS))
        return {"htpasswd": component.htpasswd, "passwords": component.passwords, "client": component.client_secret}

    return deploy(program)


def test_each_user_has_a_password_of_their_own() -> None:
    got = passwords()
    assert {one.name for one in got.of("RandomPassword")} == {*(f"users-{user}" for user in USERS), "users-client"}
    assert all(got[f"users-{user}"].inputs["length"] == 20 for user in USERS)


def test_the_login_gets_hashes_and_the_operator_gets_passwords() -> None:
    exports = passwords().exports
    lines = exports["htpasswd"].splitlines()
    assert [line.partition(":")[0] for line in lines] == sorted(USERS)
    assert all(line.partition(":")[2].startswith("$2") for line in lines)
    assert set(exports["passwords"]) == set(USERS)
