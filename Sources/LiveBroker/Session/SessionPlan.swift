// SPDX-License-Identifier: Apache-2.0

/// What all sessions of one configuration share: the configuration, its limits as numbers, and its
/// setup, encoded once.
final class SessionPlan: Sendable {
  let configuration: SessionConfiguration
  let limits: SessionLimits
  let setup: EncodedSetup
  let classification = FailureClassification()

  init(_ configuration: SessionConfiguration) {
    self.configuration = configuration
    limits = SessionLimits(configuration)
    setup = EncodedSetup(configuration.setup)
  }
}

/// Where a session lives: its place on its shard, and which of the place's tenants it is.
struct SessionAddress: Sendable, Hashable {
  var slot: UInt32
  var tenant: UInt32
}

/// What outlives a session's actor when it fails and is built anew.
struct SessionEstate: Sendable {
  let port: SessionPort
  let resumption: Resumption
  var token: Token?
  var load: SessionLoad?
  var audioOffset = 0
  /// What the new machine takes over; nil for a session that begins.
  var machine: SessionMachine.RestartEstate?
  var totalTokens: UInt32 = 0
  var roundTrip = RoundTrip()
}

/// What a session holds while messages wait or are not yet covered by a handle. Idle sessions have
/// none.
///
/// Confined to its session's executor; a restart hands it over whole to the next actor there.
final class SessionLoad: @unchecked Sendable {
  var outbox = Outbox()
  var ledger = SentLedger()
  /// Dropped before being sent since the last report.
  var dropped = Losses()
  /// Lost with their connection since the last report.
  var lostCalls: [SessionMachine.OpenCall] = []
  /// Whether the last failure forbids sending anything again.
  var forbidsReplay = false
  /// Since when what arrives may have lain unread; never if it is known to be fresh. A handle says
  /// nothing about what was sent after this.
  var staleSince: EngineInstant = .never
  /// Pongs after which all that lay unread has been read.
  var pongsToFresh: UInt16 = 0

  /// When the last ping was sent that has been answered. The service reads in order, so it has all
  /// that was sent before.
  var provenUntil: EngineInstant = .zero
  /// Before this the delay is not measured again.
  var measuresAt: EngineInstant = .zero

  var isIdle: Bool {
    outbox.isEmpty && ledger.isEmpty && dropped.isEmpty && lostCalls.isEmpty && !forbidsReplay
      && staleSince == .never
  }
}
