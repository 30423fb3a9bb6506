// SPDX-License-Identifier: Apache-2.0

/// What a broker is made of: the service, what opens it, and the limits over all its sessions.
public struct BrokerConfiguration: Sendable {
  /// Where the service is. Default: the Gemini Developer API.
  public var endpoint = LiveEndpoint.geminiDeveloper
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

  /// A configuration with the documented defaults.
  public init(credentials: CredentialSource) { self.credentials = credentials }
}

/// What opens a broker's connections.
public struct CredentialSource: Sendable {
  enum Kind: Sendable {
    case key(Secret)
    case tokens(any TokenMinter, TokenPoolConfiguration)
  }

  let kind: Kind

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
