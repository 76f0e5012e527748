"""AWS API calls over HTTP, and the permissions that each of them needs."""
