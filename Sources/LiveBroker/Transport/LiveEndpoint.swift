// SPDX-License-Identifier: Apache-2.0

/// Which Live service is spoken to, and where.
///
/// Method and version of the URL follow from the kind of credential (live service documentation,
/// "Ephemeral tokens": a token opens only the constrained method), so a wrong pair cannot be written.
public struct LiveEndpoint: Sendable, Hashable {
  /// Host name or address, without a port.
  public var host: String
  /// TCP port.
  public var port: Int
  /// Whether TLS is spoken. Only a local emulator goes without.
  public var usesTLS: Bool
  /// What stands before `/ws/…` in the path; empty by default.
  public var basePath: String
  /// API version of the socket and of minting. Default `v1alpha`, where ephemeral tokens live.
  public var apiVersion: String

  /// The Gemini Developer API.
  public static let geminiDeveloper = LiveEndpoint(host: "generativelanguage.googleapis.com")

  /// Makes an endpoint of the Developer API's shape on any host.
  public init(
    host: String, port: Int = 443, usesTLS: Bool = true, basePath: String = "",
    apiVersion: String = "v1alpha"
  ) {
    self.host = host
    self.port = port
    self.usesTLS = usesTLS
    self.basePath = basePath
    self.apiVersion = apiVersion
  }

  /// Path of the WebSocket for this kind of credential, without any query.
  public func socketPath(for credential: Credential) -> String {
    let method =
      switch credential {
      case .ephemeralToken: "BidiGenerateContentConstrained"
      case .apiKey: "BidiGenerateContent"
      }
    return "\(basePath)/ws/google.ai.generativelanguage.\(apiVersion).GenerativeService.\(method)"
  }

  /// Path of the minting call.
  public var mintPath: String { "\(basePath)/\(apiVersion)/auth_tokens" }
}

/// What opens a connection.
public enum Credential: Sendable, Hashable {
  /// A long-lived API key.
  case apiKey(Secret)
  /// The whole name of an ephemeral token, prefix `auth_tokens/` included.
  case ephemeralToken(Secret)
}
