// SPDX-License-Identifier: Apache-2.0

/// What one session asks of the service and of the broker.
///
/// Sessions of one kind share one value: the broker encodes its setup once.
public struct SessionConfiguration: Sendable, Hashable {
  /// The setup message. ``Setup/init(model:)`` asks for the sliding window and for resumption.
  public var setup: Setup
  /// How and when connections are replaced.
  public var rotation = RotationPolicy()
  /// How failures are answered.
  public var retry = RetryPolicy()
  /// When a connection counts as dead.
  public var liveness = LivenessPolicy()
  /// How it is known what a handle covers.
  public var coverage = CoveragePolicy()
  /// How much is kept while it cannot be sent.
  public var outbox = OutboxPolicy()
  /// How much is kept while the application does not read.
  public var inbound = InboundPolicy()
  /// How the model's calls are treated.
  public var toolCalls = ToolCallPolicy()
  /// Limits that protect the owner.
  public var limits = SessionLimitsPolicy()

  /// A session with the documented defaults.
  public init(setup: Setup) { self.setup = setup }

  /// A session with the documented defaults and the default setup for `model`.
  public init(model: String) { setup = Setup(model: model) }
}

/// When the new connection's setup is sent in a planned move.
public enum HandoverPolicy: String, Sendable, Hashable, CaseIterable {
  /// Once the old connection's close is answered: two round trips.
  case afterClose
  /// Right behind the close: one round trip. If the service still counts the old connection, its
  /// refusal costs a plain dial more, and no budget.
  case optimistic
}

/// How and when connections are replaced.
public struct RotationPolicy: Sendable, Hashable {
  /// Default ``HandoverPolicy/afterClose``.
  public var handover = HandoverPolicy.afterClose
  /// How long media is held so that a handle can cover it, before a move that no quiet moment
  /// allowed. Default 2 s: the service issues handles every one to two seconds.
  public var coverageWait: Duration = .seconds(2)
  /// How long before that a standby is dialled though no quiet moment has come. Default 3 s.
  public var dialLead: Duration = .seconds(3)
  /// How long before its announced end a connection is left at the latest. Default 3 s, at most a
  /// fifth of the notice.
  public var goAwayMargin: Duration = .seconds(3)
  /// How long before its end a token is left at the latest. Default 30 s, at most a fifth of what
  /// is left of it.
  public var credentialMargin: Duration = .seconds(30)
  /// Share of the notice over which sessions spread the beginning of their moves, so that those
  /// opened together do not move together. Default 0.5; 0 moves at the first quiet moment.
  public var spread = 0.5
  /// A connection older than this is replaced though nobody asked. A backstop, since the notice may
  /// never come. Default 60 minutes: beyond a token's life and the longest connection reported.
  public var connectionAgeLimit: Duration = .seconds(60 * 60)
  /// The same for a connection that is not being read because the application does not read: a
  /// notice would not be seen. Default 8 minutes, below the documented life of 10.
  public var unreadConnectionAgeLimit: Duration = .seconds(8 * 60)
  /// How long a connection is taken to live until the service has told. Default 10 minutes, as
  /// documented. Decides whether a move also moves to a new token.
  public var expectedConnectionLife: Duration = .seconds(10 * 60)

  /// The documented defaults.
  public init() {}
}

/// How failures are answered.
public struct RetryPolicy: Sendable, Hashable {
  /// Upper bound of the first delay; it doubles with each attempt, and the delay is drawn evenly
  /// below it (full jitter), the first one too. Default 250 ms.
  public var firstDelay: Duration = .milliseconds(250)
  /// Upper bound of any delay. Default 30 s.
  public var longestDelay: Duration = .seconds(30)
  /// Failed attempts in one outage after which the session ends. Default 40.
  public var attemptsPerOutage = 40
  /// The same for a session that was never live. Default 4. One that the service refuses for the quota
  /// uses up an attempt, then waits for a place without using up more, except when it is the one that
  /// asks whether there are more places by now (``AdmissionConfiguration/quotaBackoff``).
  public var attemptsToStart = 4
  /// How long an outage may last, waiting for admission, and for a place at the beginning, included.
  /// Default 30 minutes. Who opens a session may cancel its task before that.
  public var outageLimit: Duration = .seconds(30 * 60)
  /// How long a connection must have lived for its failure to count as a new outage. Default 30 s.
  public var stablePeriod: Duration = .seconds(30)

  /// The documented defaults.
  public init() {}
}

/// When a connection counts as dead.
public struct LivenessPolicy: Sendable, Hashable {
  /// Time between pings. Default 30 s: below the idle limits of common hops.
  public var pingInterval: Duration = .seconds(30)
  /// Silence of every kind after which a connection is given up. Default 75 s: pongs 30 s late
  /// have been seen on healthy connections.
  public var silenceLimit: Duration = .seconds(75)
  /// How long the service may take to answer a setup. Default 15 s.
  public var setupTimeout: Duration = .seconds(15)
  /// How long a close may stay unanswered. Default 2 s.
  public var closeTimeout: Duration = .seconds(2)
  /// Deadline over all phases of a dial, beyond the transport's own. Default 30 s.
  public var dialTimeout: Duration = .seconds(30)
  /// How long a resumed session may leave input that asks for an answer without one, before its
  /// handle counts as poisoned. Default 30 s.
  public var answerLimit: Duration = .seconds(30)

  /// The documented defaults.
  public init() {}
}

/// How it is known what a resumption handle covers, and so what a lost connection makes uncertain.
///
/// A handle covers what was sent before a ping whose pong had come when the handle came: the order of
/// a connection proves it, however long anything was on its way.
public struct CoveragePolicy: Sendable, Hashable {
  /// The shortest time between two pings while messages are sent; without messages there are none but
  /// those of ``LivenessPolicy/pingInterval``. So much more speech than was lost may be reported as
  /// uncertain. Default 250 ms: four small frames a second while somebody speaks.
  public var proofInterval: Duration = .milliseconds(250)
  /// How long what has arrived may lie at the service before a checkpoint takes it in. Default zero:
  /// what answers pings is taken to be as near to the conversation as what issues handles. Where a
  /// front-end answers pings by itself, this is the time that it may keep a message; it makes every
  /// report more cautious by the same time and a round trip, and costs one ping more.
  public var margin: Duration = .zero

  /// The documented defaults.
  public init() {}
}

/// How much is kept while it cannot be sent.
public struct OutboxPolicy: Sendable, Hashable {
  /// What becomes of text, and of activity marks, whose sending is uncertain after a loss.
  public enum UncertainText: String, Sendable, Hashable {
    /// It is sent again: the service may hear it twice, never not at all.
    case resend
    /// It is only reported.
    case report
  }
  /// Bytes accepted and not yet sent, all kinds together; beyond them `send` waits, and audio is
  /// dropped oldest first. Default 1 MiB.
  public var byteLimit = 1 << 20
  /// Audio that has waited longer is dropped: stale speech is worse than none. Default 10 s.
  public var audioAgeLimit: Duration = .seconds(10)
  /// Messages sent and not yet covered by a handle that are remembered one by one, audio that follows
  /// on audio as one. Beyond them, and beyond ``byteLimit`` of frames, a message is only counted:
  /// reported if its connection is lost, and not sent again (``ReconnectReport/unkeptMessages``,
  /// ``BrokerSnapshot/unkeptMessages``). Default 4,096.
  public var recordLimit = 4_096
  /// Default ``UncertainText/resend``.
  public var uncertainText = UncertainText.resend

  /// The documented defaults.
  public init() {}
}

/// How much is kept while the application does not read.
public struct InboundPolicy: Sendable, Hashable {
  /// Bytes of unread messages at which the broker stops reading the socket. Default 512 KiB.
  public var highWatermark = 512 << 10
  /// Bytes at which it reads on. Default 128 KiB.
  public var lowWatermark = 128 << 10
  /// Whether each message brings the bytes of its frame (``SessionMessage/frame``), for those who
  /// need what this version does not read. Default false: a copy of every frame is saved. The bytes
  /// count against the watermarks once more.
  public var keepsFrames = false

  /// The documented defaults.
  public init() {}
}

/// How the model's calls are treated.
public struct ToolCallPolicy: Sendable, Hashable {
  /// What becomes of a result whose call was lost with its connection.
  public enum LateResult: String, Sendable, Hashable {
    /// It is told to the model as text.
    case sendAsText
    /// It is refused with an error.
    case refuse
  }
  /// How long the application may take to answer a call; then the broker answers with an error.
  /// Default 120 s.
  public var timeLimit: Duration = .seconds(120)
  /// Default ``LateResult/sendAsText``.
  public var lateResult = LateResult.sendAsText

  /// The documented defaults.
  public init() {}
}

/// Limits that protect the owner of a session.
public struct SessionLimitsPolicy: Sendable, Hashable {
  /// The session ends when neither side has said anything for this long. Default nil: never.
  public var idleTimeout: Duration?
  /// The session ends at this age. Default nil: never.
  public var longestLife: Duration?
  /// The session ends when the service has counted this many tokens over all its connections.
  /// Default nil: never.
  public var totalTokens: Int?

  /// The documented defaults: no limit.
  public init() {}
}
