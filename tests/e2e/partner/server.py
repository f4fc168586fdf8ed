"""An OAuth 2 server made of Authlib's own classes, which the gateway of `partner.rs` trusts.

    server.py SOCKET CLIENT GATEWAY

It listens at a Unix socket and ends with its standard input. CLIENT and GATEWAY are `id:secret`: who is given tokens, and
who may ask about them. Authlib decides everything; what stands here is its storage, in memory.

    POST /token        client credentials (RFC 6749, 4.4) for an opaque token
    POST /jwt          client credentials for a JWT (RFC 9068)
    POST /introspect   RFC 7662
    POST /revoke       RFC 7009
    GET  /jwks.json    RFC 7517
    POST /keys/publish, /keys/sign, /keys/retire   the steps of a rotation, in their order
"""

import logging
import os
import sys
import threading
import time
from dataclasses import dataclass

from authlib.integrations.flask_oauth2 import AuthorizationServer
from authlib.oauth2.rfc6749 import ClientMixin, TokenMixin
from authlib.oauth2.rfc6749.grants import ClientCredentialsGrant
from authlib.oauth2.rfc7009 import RevocationEndpoint
from authlib.oauth2.rfc7662 import IntrospectionEndpoint
from authlib.oauth2.rfc9068 import JWTBearerTokenGenerator
from flask import Flask
from joserfc.jwk import ECKey, KeySet, RSAKey
from waitress import serve

ISSUER = "https://partner.example"
AUDIENCE = "ehealth"


@dataclass
class Client(ClientMixin):
    id: str
    secret: str
    grant_types: tuple

    def get_client_id(self):
        return self.id

    def get_allowed_scope(self, scope):
        return scope

    def check_client_secret(self, client_secret):
        return client_secret == self.secret

    def check_endpoint_auth_method(self, method, endpoint):
        return method == "client_secret_basic"

    def check_grant_type(self, grant_type):
        return grant_type in self.grant_types


@dataclass
class Token(TokenMixin):
    client_id: str
    token_type: str
    scope: str
    issued_at: int
    expires_in: int
    revoked: bool = False

    def check_client(self, client):
        return self.client_id == client.get_client_id()

    def is_expired(self):
        return self.issued_at + self.expires_in <= time.time()

    def is_revoked(self):
        return self.revoked


class Introspection(IntrospectionEndpoint):
    def check_permission(self, token, client, request):
        return client is gateway

    def query_token(self, token_string, token_type_hint):
        return tokens.get(token_string)

    def introspect_token(self, token):
        return {
            "iss": ISSUER,
            "sub": token.client_id,
            "client_id": token.client_id,
            "token_type": token.token_type,
            "scope": token.scope,
            "iat": token.issued_at,
            "exp": token.issued_at + token.expires_in,
        }


class Revocation(RevocationEndpoint):
    def query_token(self, token_string, token_type_hint):
        return tokens.get(token_string)

    def revoke_token(self, token, request):
        token.revoked = True


class Jwt(JWTBearerTokenGenerator):
    def __init__(self):
        super().__init__(ISSUER)
        self.published = [RSAKey.generate_key(2048, {"alg": "RS256", "use": "sig"}, auto_kid=True)]

    def get_jwks(self):
        """The key that signs: of several, Authlib would take any."""
        return KeySet([key for key in self.published if key.alg == self.alg])

    def get_audiences(self, client, user, scope):
        return [AUDIENCE]

    def publish(self):
        self.published.append(ECKey.generate_key("P-256", {"alg": "ES256", "use": "sig"}, auto_kid=True))
        return {}

    def sign(self):
        self.alg = self.published[-1].alg
        return {}

    def retire(self):
        self.published = self.published[-1:]
        return {}

    def jwks(self):
        return KeySet(self.published).as_dict(private=False)


def save(token, request):
    tokens[token["access_token"]] = Token(
        request.client.get_client_id(), token["token_type"], token["scope"], int(time.time()), token["expires_in"]
    )


def end_with_input():
    sys.stdin.read()
    os._exit(0)


socket, client, gateway = sys.argv[1:]
client = Client(*client.split(":", 1), grant_types=("client_credentials",))
gateway = Client(*gateway.split(":", 1), grant_types=())
clients = {known.id: known for known in (client, gateway)}
tokens = {}
keys = Jwt()

app = Flask(__name__)
opaque = AuthorizationServer(app, clients.get, save)
opaque.register_grant(ClientCredentialsGrant)
opaque.register_endpoint(Introspection)
opaque.register_endpoint(Revocation)
jwt = AuthorizationServer(app, clients.get, lambda token, request: None)
jwt.register_grant(ClientCredentialsGrant)
jwt.register_token_generator("default", keys)

app.post("/token", endpoint="token")(opaque.create_token_response)
app.post("/jwt", endpoint="jwt")(jwt.create_token_response)
app.post("/introspect", endpoint="introspect")(lambda: opaque.create_endpoint_response("introspection"))
app.post("/revoke", endpoint="revoke")(lambda: opaque.create_endpoint_response("revocation"))
app.get("/jwks.json", endpoint="jwks")(keys.jwks)
app.post("/keys/publish", endpoint="publish")(keys.publish)
app.post("/keys/sign", endpoint="sign")(keys.sign)
app.post("/keys/retire", endpoint="retire")(keys.retire)

# Authlib wants TLS. Here nobody but this user reaches the socket.
os.environ["AUTHLIB_INSECURE_TRANSPORT"] = "true"
threading.Thread(target=end_with_input, daemon=True).start()
# Requests that wait for a moment are no news.
logging.getLogger("waitress.queue").setLevel(logging.ERROR)
# One thread, so that no request sees another's change half done.
serve(app, unix_socket=socket, unix_socket_perms="600", threads=1)
