// SPDX-License-Identifier: Apache-2.0

public import LiveBroker

/// How the emulated service behaves. Every default is the documented or measured value of the real
/// one (live-api.md, in brackets where it is found there), or the mildest choice where nothing is
/// known.
public struct ServiceConfiguration: Sendable, Hashable {
  /// Ephemeral tokens and API keys.
  public var credentials = CredentialRules()
  /// Lifetimes of connections.
  public var connections = ConnectionRules()
  /// Sessions, handles and their limits.
  public var sessions = SessionRules()
  /// What the model says, and when.
  public var model = ModelRules()
  /// What is kept for reports.
  public var accounts = AccountRules()
  /// Faults that happen by themselves.
  public var faults = FaultPlan()
  /// Upgrades let in per second; others get HTTP 503. Default nil: no limit.
  public var admitPerSecond: Int?
  /// The burst of the admission bucket, as time's worth of upgrades. Default 10 ms.
  public var admissionBurst: Duration = .milliseconds(10)
  /// How far the service's wall clock is ahead of the caller's. Default zero.
  public var clockSkew: Duration = .zero
  /// How late a message may come before it counts as a broken promise: time on the network that no
  /// client can know. Default 2 s.
  public var promiseTolerance: Duration = .seconds(2)
  /// Whether ``ServiceOutput/note(_:)`` is put out. Default true; big runs switch it off.
  public var notes = true
  /// Whether the usage of a turn comes in a message of its own behind the turn's end, rather than in
  /// one with it [C.3]. Default false.
  public var usageApart = false
  /// Whether server JSON is laid out over several lines as the real service does [B.3]. Default
  /// false: clients must not depend on it, and it costs time.
  public var prettyPrinted = false

  /// The documented defaults.
  public init() {}
}

/// Rules for credentials [A].
public struct CredentialRules: Sendable, Hashable {
  /// How long a token starts new sessions if the request does not say. Default 60 s [A.2].
  public var newSessionWindow: Duration = .seconds(60)
  /// How long a token lives if the request does not say. Default 30 min [A.2].
  public var lifetime: Duration = .seconds(30 * 60)
  /// Both times must be less than this ahead. Default 20 h [A.2].
  public var maximumLifetime: Duration = .seconds(20 * 3_600)
  /// Strict mode: a resume counts as a use too (field note 2). Default false, as documented.
  public var resumptionCountsAsUse = false
  /// Whether a token that locks the whole setup also hides the connection's `sessionResumption`, so
  /// that a resume silently becomes a new session [A.3]. Default true, as documented.
  public var fullLockHidesResumption = true
  /// A new-session window must be less than this ahead. Default 20 h [A.2].
  public var maximumNewSessionWindow: Duration = .seconds(20 * 3_600)
  /// API keys that are not valid. All others are, unless ``acceptedKeys`` names them.
  public var refusedKeys: Set<Secret> = []
  /// The only API keys that are valid; nil means all but ``refusedKeys``. Default nil.
  public var acceptedKeys: Set<Secret>?
  /// Whether minting takes API keys only (a token cannot mint). Default true.
  public var mintingNeedsKey = true

  /// The documented defaults.
  public init() {}

  /// Whether an API key is valid. A token in the place of a key never is [A.7].
  func accepts(_ key: Secret) -> Bool {
    let isToken = key.withUnsafeBytes { $0.starts(with: "auth_tokens/".utf8) }
    return !isToken && acceptedKeys?.contains(key) != false && !refusedKeys.contains(key)
  }
}

/// Rules for connections [B, D.1, D.2].
public struct ConnectionRules: Sendable, Hashable {
  /// How long a connection lives from its upgrade. Default 600 s.
  public var lifetime: Duration = .seconds(600)
  /// How long before the end goAway is sent; it is also its `timeLeft`. Default 60 s; nil sends none.
  public var goAwayNotice: Duration? = .seconds(60)
  /// Up to how much each connection's lifetime is shortened, by chance. Default zero.
  public var lifetimeJitter: Duration = .zero
  /// The close at the end of the lifetime. Default ``CloseNotice/ignoredGoAway``.
  public var endOfLife: CloseNotice = .ignoredGoAway
  /// Time from the arrival of a setup to `setupComplete`. Default 20 ms.
  public var setupProcessing: Duration = .milliseconds(20)
  /// How long an upgraded connection may wait without a setup. Default 60 s; unknown for the real
  /// service. It is closed with ``CloseNotice/deadlineExpired``.
  public var standbyPatience: Duration = .seconds(60)
  /// How long a session counts as open after its client's close was processed. Default zero.
  public var releaseLag: Duration = .zero
  /// How long a session counts as open after its connection broke without a close. Default zero.
  public var ghostLag: Duration = .zero
  /// A hop in between cuts a connection on which nothing came for this long, pings included (field
  /// note 54). Default nil: none does.
  public var idleLimit: Duration?
  /// How late pongs are; the network that carries the frames serves it. Default zero, 8 to 30 s were
  /// measured [B.4].
  public var pongDelay: Duration = .zero
  /// Whether the service answers a close frame. Default true (field note 38 for the other case).
  public var answersClose = true

  /// The documented defaults.
  public init() {}
}

/// Rules for sessions and handles [D].
public struct SessionRules: Sendable, Hashable {
  /// How long a handle lives after the last connection has ended. Default 2 h.
  public var handleLifetime: Duration = .seconds(2 * 3_600)
  /// From `setupComplete` to the first handle. Default 100 ms.
  public var firstHandleDelay: Duration = .milliseconds(100)
  /// The shortest time between two handles while something arrives; up to the same again is added by
  /// chance. Default 1 s, so a handle comes every 1 to 2 s.
  public var handleInterval: Duration = .seconds(1)
  /// From the end of a turn to its handle. Default 100 ms, so it comes after `turnComplete`.
  public var handleAfterTurn: Duration = .milliseconds(100)
  /// Whether handles are issued to a client that did not ask [C.3]. Default false.
  public var unaskedHandles = false
  /// How many checkpoints of a session can be resumed; older ones are not found. Default 32.
  public var checkpointsKept = 32
  /// Length of a session without context compression. Default 15 min.
  public var audioLimit: Duration = .seconds(15 * 60)
  /// The same once it has seen video. Default 2 min.
  public var videoLimit: Duration = .seconds(2 * 60)
  /// The close at that limit. The real one is unknown; default ``CloseNotice/deadlineExpired``.
  public var limitNotice: CloseNotice = .deadlineExpired
  /// Sessions with a socket at one time; one more is refused with ``CloseNotice/quotaExceeded``.
  /// Default nil: no limit.
  public var concurrent: Int?
  /// All sessions ever, so that a peer cannot fill the memory. Default 1,000,000; beyond it a new
  /// session is refused like one too many.
  public var total = 1_000_000
  /// Whether `transparent` resumption works (Vertex) or closes the connection. Default false [D.4].
  public var transparentResumption = false
  /// The close for an unknown or expired handle. Default ``CloseNotice/sessionNotFound``.
  public var unknownHandle: CloseNotice = .sessionNotFound

  /// The documented defaults.
  public init() {}
}

/// What is kept of each session for comparison.
public struct AccountRules: Sendable, Hashable {
  /// Bytes of audio that are kept as they came; beyond it only counts and digests. Default 0.
  public var audioKept = 0
  /// Messages of audio of which a digest each is kept; beyond it only counts and the digest of all.
  /// Default 0.
  public var audioDigestsKept = 0
  /// Texts, tool responses and marks that are kept in order; beyond it only counts. Default 4,096.
  public var itemsKept = 4_096
  /// Broken promises that are kept with their details; beyond it they are only counted. Default 1,000.
  public var promisesKept = 1_000

  /// The documented defaults.
  public init() {}
}
