"""A person's API tokens. A token opens everything of the API but these addresses: it makes no other token."""

from __future__ import annotations

from uuid import UUID

from django.urls import URLPattern, path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from annotator.api.endpoint import Endpoint, StrictSerializer
from annotator.api.fields import StrictInteger, Text
from annotator.models import ApiToken, TokenScope
from annotator.queries.tokens import find_own_token, scopes_for, tokens_of
from annotator.services.tokens import (
    DEFAULT_TOKEN_DAYS,
    MAX_TOKEN_DAYS,
    MAX_TOKEN_NAME,
    create_token,
    revoke_token,
)


class TokenBody(StrictSerializer):
    name = Text(max_length=MAX_TOKEN_NAME)
    scopes = serializers.ListField(
        child=serializers.ChoiceField(TokenScope.choices), max_length=len(TokenScope), default=list
    )
    days = StrictInteger(default=DEFAULT_TOKEN_DAYS, min_value=1, max_value=MAX_TOKEN_DAYS)


class TokenReply(serializers.Serializer[object]):
    id = serializers.UUIDField()
    name = serializers.CharField()
    scopes = serializers.ListField(child=serializers.ChoiceField(TokenScope.choices))
    created_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField()
    last_used_at = serializers.DateTimeField(allow_null=True, help_text="to the minute")


class NewTokenReply(TokenReply):
    secret = serializers.CharField(help_text="told once, never again")


class TokensReply(serializers.Serializer[object]):
    tokens = TokenReply(many=True)
    usable_scopes = serializers.ListField(child=serializers.ChoiceField(TokenScope.choices))


def describe_token(token: ApiToken) -> dict[str, object]:
    return {
        "id": str(token.id),
        "name": token.name,
        "scopes": token.scopes,
        "created_at": token.created_at,
        "expires_at": token.expires_at,
        "last_used_at": token.last_used_at,
    }


class Tokens(Endpoint):
    """One's own tokens; their secrets are not kept."""

    write_scope = None

    @extend_schema(responses=TokensReply)
    def get(self, request: Request) -> Response:
        found = [describe_token(token) for token in tokens_of(self.person)]
        return Response({"tokens": found, "usable_scopes": scopes_for(self.person)})

    @extend_schema(request=TokenBody, responses={201: NewTokenReply})
    def post(self, request: Request) -> Response:
        body = self.read(TokenBody)
        token, secret = create_token(person=self.person, by=self.person, **body)
        return Response({**describe_token(token), "secret": secret}, status=201)


class OneToken(Endpoint):
    """One of one's own tokens."""

    write_scope = None

    @extend_schema(request=None, responses={204: None})
    def delete(self, request: Request, token_id: UUID) -> Response:
        revoke_token(token=find_own_token(person=self.person, token_id=token_id), by=self.person)
        return Response(status=204)


urls: list[URLPattern] = [
    path("tokens", Tokens.as_view(), name="tokens"),
    path("tokens/<uuid:token_id>", OneToken.as_view(), name="token"),
]
