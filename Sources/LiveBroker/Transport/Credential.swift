// SPDX-License-Identifier: Apache-2.0

/// What opens a connection. Its kind decides service, method and path
/// (``LiveEndpoint/socketPath(for:)``) and where in the request it stands (``placement``).
///
/// Code outside this package should ask ``LiveEndpoint`` and ``placement`` rather than switch over
/// the kinds: a minor version may add one.
public enum Credential: Sendable, Hashable {
  /// A long-lived API key of the Developer API.
  case apiKey(Secret)
  /// The whole name of an ephemeral token, prefix `auth_tokens/` included.
  case ephemeralToken(Secret)
  /// A credential of Vertex.
  case vertex(VertexCredential)

  /// Which service it opens.
  public var service: LiveEndpoint.Service {
    switch self {
    case .apiKey, .ephemeralToken: .developer
    case .vertex: .vertex
    }
  }
}

/// What opens a connection to Vertex.
public struct VertexCredential: Sendable, Hashable {
  fileprivate enum Kind: Sendable, Hashable {
    case bearer(Secret, quotaProject: String?)
    case expressKey(Secret)
  }

  fileprivate let kind: Kind

  /// An OAuth 2 access token, valid for about an hour, and the project that is billed if it is not
  /// the token's own.
  public static func accessToken(
    _ token: Secret, quotaProject: String? = nil
  ) -> VertexCredential {
    VertexCredential(kind: .bearer(token, quotaProject: quotaProject))
  }

  /// An API key of Vertex express mode.
  public static func expressKey(_ key: Secret) -> VertexCredential {
    VertexCredential(kind: .expressKey(key))
  }
}

/// Where a credential stands in the request that opens a socket.
public struct CredentialPlacement: Sendable, Hashable {
  /// A name, and a value that must not be logged.
  public struct Item: Sendable, Hashable {
    /// The name of a header or a query parameter.
    public var name: String
    /// Its value, not percent-encoded.
    public var value: Secret
  }

  /// Parameters of the query. They must not reach a log with the rest of the URL.
  public var query: [Item] = []
  /// Header fields.
  public var headers: [Item] = []
}

extension Credential {
  /// Where it stands in the upgrade request.
  ///
  /// A key goes into a header, where no proxy logs it. A token goes into the query, the one place
  /// where the service was measured to take it (live-api.md B.2).
  public var placement: CredentialPlacement {
    switch self {
    case .apiKey(let key): CredentialPlacement(headers: [.init(name: "x-goog-api-key", value: key)])
    case .ephemeralToken(let token):
      CredentialPlacement(query: [.init(name: "access_token", value: token)])
    case .vertex(let credential): credential.placement
    }
  }
}

extension VertexCredential {
  fileprivate var placement: CredentialPlacement {
    switch kind {
    case .expressKey(let key):
      return CredentialPlacement(headers: [.init(name: "x-goog-api-key", value: key)])
    case .bearer(let token, let quotaProject):
      let bearer = token.withUnsafeBytes { Secret(utf8: Array("Bearer ".utf8) + Array($0)) }
      var placement = CredentialPlacement(headers: [.init(name: "Authorization", value: bearer)])
      if let quotaProject {
        placement.headers.append(.init(name: "x-goog-user-project", value: Secret(quotaProject)))
      }
      return placement
    }
  }
}
