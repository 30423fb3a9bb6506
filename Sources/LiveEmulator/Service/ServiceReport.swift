// SPDX-License-Identifier: Apache-2.0

/// What the service saw, in numbers and per session.
public struct ServiceReport: Sendable, Hashable {
  /// Numbers of the whole service.
  public var totals: ServiceTotals
  /// All sessions in the order of their start.
  public var sessions: [SessionReport]
  /// Promises that the client broke, as far as their details were kept.
  public var promisesBroken: [BrokenPromise]
}

/// Numbers of the whole service, counted from its beginning unless they say otherwise.
public struct ServiceTotals: Sendable, Hashable {
  /// Tokens minted.
  public var minted = 0
  /// Tokens whose window closed before anything was opened with them.
  public var tokensExpiredUnused = 0
  /// Mints refused.
  public var mintsRefused = 0
  /// Upgrades accepted.
  public var upgrades = 0
  /// Upgrades refused.
  public var upgradesRefused = 0
  /// Sessions started without a handle.
  public var sessionsStarted = 0
  /// Resumes that succeeded.
  public var sessionsResumed = 0
  /// Setups refused, for any reason.
  public var setupsRefused = 0
  /// Of those: because the session was open on another connection.
  public var resumesWhileOpen = 0
  /// Of those: because the handle was not found.
  public var handlesNotFound = 0
  /// Of those: because of the token (spent, window, expiry).
  public var setupsRefusedByToken = 0
  /// Of those: because of the limit of concurrent sessions.
  public var setupsRefusedByQuota = 0
  /// Messages received.
  public var messagesReceived = 0
  /// Bytes of those messages.
  public var bytesReceived = 0
  /// Messages sent.
  public var messagesSent = 0
  /// Bytes of those messages.
  public var bytesSent = 0
  /// Messages that came on a connection that was closing, silent, or unknown; they had no effect.
  public var messagesIgnored = 0
  /// Handles issued.
  public var handlesIssued = 0
  /// goAways sent.
  public var goAways = 0
  /// Connections that were not left after a goAway.
  public var goAwaysIgnored = 0
  /// Closes begun by the service.
  public var closesByService = 0
  /// Closes begun by the client.
  public var closesByClient = 0
  /// Connections that ended without a close.
  public var drops = 0
  /// Entries forgotten by resumes, all kinds together.
  public var entriesForgotten = 0
  /// Bytes of media forgotten by resumes.
  public var mediaBytesForgotten = 0
  /// Turns of the model that ended.
  public var turns = 0
  /// Of those: interrupted.
  public var turnsInterrupted = 0
  /// Functions called by the model.
  public var toolCalls = 0
  /// Faults that happened by themselves or by call.
  public var faults = 0
  /// Connections open now.
  public var connectionsOpen = 0
  /// Sessions with a completed setup now.
  public var sessionsLive = 0
  /// The most of them at one time.
  public var sessionsLivePeak = 0
  /// Promises broken.
  public var promisesBroken = 0
  /// Messages for calls that had just been cancelled: they crossed on the wire, nobody's fault.
  public var responsesCrossedCancellation = 0

  /// Nothing yet.
  public init() {}
}

/// All sessions of the service that bear one label, in the order of their start.
public struct LabelReport: Sendable, Hashable {
  /// `labels["session"]` of their setups.
  public var label: String
  /// One for a session that was never begun afresh.
  public var sessions: [SessionReport]
}

/// What the service knows about one session.
public struct SessionReport: Sendable, Hashable {
  /// The service's number of the session.
  public var session: Int
  /// `labels["session"]` of its setup.
  public var label: String?
  /// Whether a connection with a completed setup is open now.
  public var isLive: Bool
  /// Whether it can still be resumed or is live.
  public var isKnown: Bool
  /// How often it was resumed.
  public var resumes: Int
  /// Turns of the model that it remembers.
  public var turns: Int
  /// Ids of the calls that wait for a response now.
  public var pendingCalls: [String]
  /// What came off the wire.
  public var received: ReceivedAccount
  /// What it remembers.
  public var remembered: RememberedAccount
  /// What resumes have made it forget, by kind.
  public var forgotten: Tallies
}
