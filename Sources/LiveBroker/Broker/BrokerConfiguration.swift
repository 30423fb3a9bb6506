// SPDX-License-Identifier: Apache-2.0

/// What a broker is made of: the service, what opens it, and the limits over all its sessions.
public struct BrokerConfiguration: Sendable {
  /// Where the service is. Default: where the credentials belong, the Gemini Developer API or the
  /// place in Vertex. Another one must be of the same ``LiveEndpoint/service``.
  public var endpoint: LiveEndpoint
  /// What opens connections.
  public var credentials: CredentialSource
  /// How dials of all sessions are spread.
  public var admission = AdmissionConfiguration()
  /// Deadlines of the phases of a dial.
  public var dialTimeouts = DialTimeouts()
  /// How faults inside the broker are contained.
  public var supervision = SupervisionPolicy()
  /// How long a handle stays valid after the last connection ended. Default 2 hours, as the
  /// Developer API documents it.
  public var handleLife: Duration = .seconds(2 * 60 * 60)
  /// Where handles are kept so that sessions survive the process. Default nil: in memory only.
  public var store: (any ResumptionStore)?
  /// Who is told what happens. Default: nobody.
  public var observer: any BrokerObserver = NoObserver()
  /// Tokens for remote clients; see ``Broker/vendToken(_:)``.
  public var clientTokens = ClientTokenPolicy()

  /// A configuration with the documented defaults.
  public init(credentials: CredentialSource) {
    self.credentials = credentials
    endpoint = credentials.endpoint
  }

  /// Refuses a configuration that cannot work.
  func check() throws(BrokerError) {
    guard endpoint.service == credentials.endpoint.service else {
      throw BrokerError(
        .invalidConfiguration,
        message: "credentials of \(credentials.endpoint.service) open nothing at an endpoint of "
          + "\(endpoint.service)")
    }
    switch credentials.kind {
    case .key(let key):
      guard !key.isEphemeralTokenName else {
        throw BrokerError(
          .invalidConfiguration,
          message: "an ephemeral token stands in the place of an API key; it opens another method")
      }
    case .vertex: break
    case .tokens(_, let tokens):
      do throws(MintError) { try tokens.validate() } catch {
        throw BrokerError(.invalidConfiguration, message: error.message, cause: error)
      }
    }
  }
}

/// What opens a broker's connections.
public struct CredentialSource: Sendable {
  enum Kind: Sendable {
    case key(Secret)
    case tokens(any TokenMinter, TokenPoolConfiguration)
    case vertex(VertexPlace, @Sendable () -> VertexCredential)
  }

  let kind: Kind

  /// Where such credentials belong.
  var endpoint: LiveEndpoint {
    switch kind {
    case .key, .tokens: .geminiDeveloper
    case .vertex(let place, _): place.endpoint
    }
  }

  /// A long-lived API key on every connection.
  public static func apiKey(_ key: Secret) -> CredentialSource {
    CredentialSource(kind: .key(key))
  }

  /// Ephemeral tokens, minted ahead of need and renewed before they end. The broker never falls
  /// back to another credential.
  public static func ephemeralTokens(
    _ minter: any TokenMinter, _ configuration: TokenPoolConfiguration = TokenPoolConfiguration()
  ) -> CredentialSource {
    CredentialSource(kind: .tokens(minter, configuration))
  }

  /// OAuth 2 access tokens on Vertex.
  ///
  /// - Parameters:
  ///   - place: Project and location; ``VertexPlace/model(_:)`` gives the model's name for a setup.
  ///   - credential: The credential of the moment. It is asked for at every dial, on the session's
  ///     executor, and must not block: whoever fetches access tokens renews them in time, and keeps
  ///     the newest one where this finds it.
  public static func vertex(
    _ place: VertexPlace, credential: @escaping @Sendable () -> VertexCredential
  ) -> CredentialSource {
    CredentialSource(kind: .vertex(place, credential))
  }

  /// An API key of Vertex express mode on every connection.
  public static func vertexExpress(key: Secret) -> CredentialSource {
    vertex(.express) { .expressKey(key) }
  }
}

/// How faults inside the broker are contained.
public struct SupervisionPolicy: Sendable {
  /// Restarts of one session. Default 5 in 60 s; beyond, that session ends.
  public var sessionLimits = RestartLimits(maximum: 5, period: .seconds(60))
  /// Restarts of sessions on one shard. Default 1,000 in 10 s; beyond, the shard is restarted.
  public var shardLimits = RestartLimits(maximum: 1_000, period: .seconds(10))
  /// Restarts of shards, pools and admission. Default 5 in 60 s; beyond, `run()` throws.
  public var brokerLimits = RestartLimits(maximum: 5, period: .seconds(60))

  /// The documented defaults.
  public init() {}
}
