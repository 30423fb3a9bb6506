// SPDX-License-Identifier: Apache-2.0

/// Where a Live service is: the address. What is asked for there follows from the credential.
///
/// Service, method and version of the path are derived from the kind of ``Credential`` that opens
/// the connection, since a token opens only the constrained method of the Developer API, and a
/// Vertex credential only Vertex (live-api.md B.1). So no path can be written that does not fit. That
/// the host is one where the credential belongs is checked: by a broker before it opens a session,
/// and by whoever dials without one, with ``fits(_:)``.
public struct LiveEndpoint: Sendable, Hashable {
  /// Which of Google's services answers at an endpoint.
  public struct Service: Sendable, Hashable, CustomStringConvertible {
    private enum Name: String { case developer, vertex }
    private let name: Name
    /// The Gemini Developer API, and whatever has its shape, such as an emulator.
    public static let developer = Service(name: .developer)
    /// The Live API of Vertex AI.
    public static let vertex = Service(name: .vertex)
    /// The service's name.
    public var description: String { name.rawValue }
  }

  /// Host name or address, without a port.
  public var host: String
  /// TCP port.
  public var port: Int
  /// Whether TLS is spoken. Only a local emulator goes without.
  public var usesTLS: Bool
  /// What stands before `/ws/…` in the path; empty by default.
  public var basePath: String
  /// API version of the socket and of minting. Default nil, which means the version with everything
  /// that this library uses: `v1alpha` on the Developer API, `v1beta1` on Vertex.
  public var apiVersion: String?
  /// Which service is there.
  public let service: Service

  /// The Gemini Developer API.
  public static let geminiDeveloper = LiveEndpoint(host: "generativelanguage.googleapis.com")

  /// Makes an endpoint on any host.
  public init(
    host: String, port: Int = 443, usesTLS: Bool = true, basePath: String = "",
    apiVersion: String? = nil, service: Service = .developer
  ) {
    self.host = host
    self.port = port
    self.usesTLS = usesTLS
    self.basePath = basePath
    self.apiVersion = apiVersion
    self.service = service
  }

  /// Path of the WebSocket for this kind of credential, without any query.
  public func socketPath(for credential: Credential) -> String {
    switch credential {
    case .apiKey: developerPath("BidiGenerateContent")
    case .ephemeralToken: developerPath("BidiGenerateContentConstrained")
    case .vertex:
      "\(basePath)/ws/google.cloud.aiplatform.\(version(for: credential))"
        + ".LlmBidiService/BidiGenerateContent"
    }
  }

  /// The API version in the socket's path for this kind of credential.
  package func version(for credential: Credential) -> String {
    switch credential {
    case .apiKey, .ephemeralToken: developerVersion
    case .vertex: apiVersion ?? "v1beta1"
    }
  }

  /// Whether the credential opens anything here: a key or a token on the Developer API and what has
  /// its shape, a Vertex credential on Vertex.
  public func fits(_ credential: Credential) -> Bool { service == credential.service }

  private func developerPath(_ method: String) -> String {
    "\(basePath)/ws/google.ai.generativelanguage.\(developerVersion).GenerativeService.\(method)"
  }

  /// Path of the minting call. Only the Developer API mints; see ``checkMinting()``.
  public var mintPath: String { "\(basePath)/\(developerVersion)/auth_tokens" }

  private var developerVersion: String { apiVersion ?? "v1alpha" }

  /// Refuses an endpoint at which no token can be minted, for a minter to ask before it sends.
  ///
  /// - Throws: ``MintError/Code/unsupported`` for Vertex, which knows no tokens.
  public func checkMinting() throws(MintError) {
    if service == .vertex { throw .noTokensOnVertex }
  }
}

extension MintError {
  static let noTokensOnVertex = MintError(
    .unsupported,
    message: "Vertex has no ephemeral tokens; only the Gemini Developer API mints them")
}
