// SPDX-License-Identifier: Apache-2.0

/// What all shards of a broker share.
struct ShardServices: Sendable {
  let configuration: BrokerConfiguration
  let transport: any LiveTransport
  /// The same, if it answers dials by calls.
  let callbackTransport: (any CallbackTransport)?
  let admission: Admission
  /// Nil if the broker opens its connections with a key.
  let pool: TokenPool?
  let registry: SessionRegistry

  init(
    configuration: BrokerConfiguration, transport: any LiveTransport, admission: Admission,
    pool: TokenPool?, registry: SessionRegistry
  ) {
    self.configuration = configuration
    self.transport = transport
    callbackTransport = transport as? any CallbackTransport
    self.admission = admission
    self.pool = pool
    self.registry = registry
  }

  var observer: any BrokerObserver { configuration.observer }
  var store: (any ResumptionStore)? { configuration.store }

  /// The state of the handle with which a session begins.
  func resumptionMachine(
    _ stored: StoredResumption?, at now: EngineInstant, wallTime: WallTime
  ) -> ResumptionMachine {
    let life = configuration.handleLife
    guard let stored else { return ResumptionMachine(life: life) }
    return ResumptionMachine(
      restoring: stored.handle, remaining: wallTime.duration(to: stored.expiresAt), at: now,
      life: life)
  }
}

extension Shard {
  nonisolated var usesTokens: Bool { services.pool != nil }
  nonisolated var endpoint: LiveEndpoint { services.configuration.endpoint }
  nonisolated var dialTimeouts: DialTimeouts { services.configuration.dialTimeouts }

  /// What opens the next connection: the key, or the session's token.
  nonisolated func credential(_ token: Token?) -> Credential? {
    switch services.configuration.credentials.kind {
    case .key(let key): .apiKey(key)
    case .vertex(_, let credential): .vertex(credential())
    case .tokens: token.map { .ephemeralToken(Token.Entry.credential($0)) }
    }
  }

  /// The credential that the broker itself keeps for the session; on Vertex that is the application.
  nonisolated func keptCredential(_ token: Token?) -> Secret? {
    switch services.configuration.credentials.kind {
    case .key(let key): key
    case .vertex: nil
    case .tokens: token?.assumeIsolated { $0.credential }
    }
  }
}

extension DialUrgency {
  var dialClass: DialClass {
    switch self {
    case .freshStart: .freshStart
    // How far its deadline lies tells a planned move from a session without connection.
    case .resume, .plannedMove: .resume
    }
  }
}

extension ShardServices {
  /// Tells the observer something of a session. Nobody spells a name for one that hears nothing.
  func tell(of id: SessionID, _ news: (any BrokerObserver, String) -> Void) {
    guard !(observer is NoObserver) else { return }
    news(observer, id.text)
  }
}

extension DialOutcome {
  /// What a dial tells about the service's willingness.
  init(_ result: Result<any LiveConnection, TransportError>) {
    switch result {
    case .success: self = .accepted
    case .failure(let error):
      switch (error.code, error.httpStatus) {
      case (.upgradeRefused, 429), (.upgradeRefused, 503):
        self = .refused(retryAfter: error.retryAfter)
      case (.upgradeRefused, _): self = .answered
      case (.cancelled, _): self = .abandoned
      default: self = .failed
      }
    }
  }
}
