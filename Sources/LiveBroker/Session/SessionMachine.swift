// SPDX-License-Identifier: Apache-2.0

/// The life of one session as a value: told what happened and when, it answers what to do.
///
/// It knows nothing of sockets, tasks or clocks. The ``Session`` actor feeds it and performs its
/// answers. A *connection* is known here by its generation number only.
///
/// ```
///             opened                    setupCompleted          rotation due
///     idle ----------> connecting --------------------> live ----------------> rotating
///                       ^  |   ^                          | ^  standby failed      |
///              timer    |  |   |    connection ended      | +----------------------+
///                       |  |   +--------------------------+                        |
///                       |  v failed, may be tried again   |     quiet, or deadline |
///                      waiting                            |                        |
///                          ^------------------------------+   connecting <---------+
///                                                             (the old one closing)
///     any --closeRequested--> closing --connection ended--> ended
///     live, rotating --drainRequested--> draining --quiet, or deadline--> closing
///     connecting, waiting --failed for good--> ended
/// ```
///
/// | state | input | next | answers |
/// |---|---|---|---|
/// | idle | opened | connecting(credential) | acquireCredential |
/// | connecting(credential) | credentialAcquired | connecting(admission) | requestAdmission |
/// | connecting(credential) | credentialFailed | waiting or ended | — |
/// | connecting(admission) | admitted, credential usable | connecting(dialing) | dial |
/// | connecting(admission) | admitted, credential stale | connecting(credential) | acquireCredential |
/// | connecting(dialing) | dialed, old one gone | connecting(settingUp) | sendSetup |
/// | connecting(dialing) | dialed, old one closing | connecting(ready) | — |
/// | connecting(dialing) | dialFailed | waiting or ended | — |
/// | connecting(ready) | old one ended, or its close took too long | connecting(settingUp) | endTurn, sendSetup |
/// | connecting(any), old one closing | more comes on it than there is room for | as if it had ended | abort |
/// | connecting(settingUp) | setupCompleted | live | goLive |
/// | connecting(any) | its connection ended | waiting, connecting or ended | by the verdict |
/// | waiting | timer | connecting | acquireCredential or requestAdmission |
/// | live | rotation due and quiet, or late | rotating | acquireCredential or requestAdmission |
/// | live | connection ended | waiting, or ended | endTurn, loseCalls |
/// | live | silence too long | waiting | endTurn, loseCalls, abort |
/// | live | no answer after a resume | waiting | abort, dropHandle |
/// | rotating | dialed | rotating(ready) | — |
/// | rotating | standby failed | live, later again | — |
/// | rotating(ready) | quiet | connecting(ready), old closing | hold, close |
/// | rotating | late | rotating, holding | hold |
/// | rotating | deadline | connecting, old closing | hold, close |
/// | draining | quiet, or deadline | closing | close |
/// | draining | connection ended, silence too long, or no answer | ended | end |
/// | closing | connection ended, or timer | ended | end |
/// | any but ended | closeRequested | closing or ended | close, or end |
/// | any | input of an older generation | the same | — |
package struct SessionMachine: Sendable {
  // In the order of their sizes: each session keeps one of these.
  /// When the credential in hand ends; ``EngineInstant/never`` for a key.
  package internal(set) var credentialExpiresAt: EngineInstant = .zero
  /// When the session was opened; its longest life counts from here.
  var openedAt: EngineInstant = .zero
  /// When the application or the model last said something; for the idle time-out.
  var activeAt: EngineInstant = .zero
  /// Calls of the model that were not answered yet.
  package internal(set) var openCalls: [OpenCall] = []
  /// What is known of the resumption handle.
  package internal(set) var handle = HandleFacts()
  package internal(set) var state: State = .idle
  /// Number of the newest connection that was asked for.
  package internal(set) var generation: UInt32 = 0
  /// How long the service lets a connection live, in milliseconds, once a goAway has told; else zero.
  var learnedLife: UInt32 = 0
  /// Attempts since the session was last stable.
  var attempts: UInt16 = 0
  var wasEverLive = false
  /// Refused for the quota before it was ever live: from then on it waits for a place like all others,
  /// also with a stored handle.
  var needsPlace = false
  /// The phase that observers were told last.
  var reviewedPhase = SessionPhase.idle

  package init() {}
}

extension SessionMachine {
  /// Where a session is. Each case carries what is valid in it and nothing else. Idle sessions are
  /// live; what the passing states carry lies outside, so that it costs them nothing.
  package enum State: Sendable, Equatable {
    /// Made, not opened. Left by `opened`.
    case idle
    /// No live connection; an attempt to get one is under way.
    indirect case connecting(Attempt, Interruption)
    /// No live connection; the next attempt starts at `until`.
    indirect case waiting(until: EngineInstant, Interruption)
    /// One connection with a completed setup.
    case live(Live)
    /// As live, while the next connection is prepared.
    indirect case rotating(Live, Attempt)
    /// As live, but the session ends at the next quiet moment, at the latest at `by`.
    indirect case draining(Live, by: EngineInstant, SessionEnd)
    /// Our close frame is on its way; its answer, or `by`, ends the session.
    indirect case closing(generation: UInt32, by: EngineInstant, SessionEnd)
    /// Over, for the reason given. Nothing leads out.
    case ended(SessionEnd)
  }

  /// One try at getting a connection.
  package struct Attempt: Sendable, Equatable {
    package enum Phase: Sendable, Equatable {
      /// Waiting for a credential from the pool.
      case credential
      /// Waiting for a place among the broker's dials.
      case admission
      /// The transport is at work.
      case dialing
      /// Upgraded, nothing sent: a standby.
      case ready
      /// `setup` is sent, `setupComplete` has not come.
      case settingUp
    }
    package var generation: UInt32
    package var phase: Phase
    /// When the phase has taken too long.
    package var deadline: EngineInstant
    /// The connection that this one replaces, while its close is not answered.
    package var closing: ClosingConnection?
    /// Whether this attempt moves to another credential.
    package var renews: Bool
    /// Whether the setup was sent before the old connection's close was answered.
    package var isOptimistic = false
  }

  package struct ClosingConnection: Sendable, Equatable {
    package var generation: UInt32
    package var by: EngineInstant
    /// Whether a turn is running on it: what it says until its close is still delivered, so the
    /// turn is over only with the connection.
    package var isGenerating = false
  }

  /// Why there is no live connection, and since when.
  package struct Interruption: Sendable, Equatable {
    package var cause: InterruptionCause
    /// When the old connection was lost or our close frame was handed to the transport.
    package var since: EngineInstant
    /// Dials since then.
    package var dials: UInt16 = 0
    package var wasRenewed = false
  }

  /// A connection with a completed setup, and what is known of it.
  package struct Live: Sendable, Equatable {
    package var since: EngineInstant
    package var lastHeardAt: EngineInstant
    package var pingedAt: EngineInstant
    /// Set while a resumed connection owes its first answer.
    package var answerDueAt: EngineInstant = .never
    package var rotation: Rotation
    package var generation: UInt32
    package var isGenerating = false
    package var isHolding = false
    package var isReadingPaused = false
    /// Something was sent after the last ping: nothing proves that it arrived.
    package var owesPing = false
    /// Resumed, and the model has not said anything on this connection yet.
    package var isUnproven: Bool
  }

  /// When and why the connection is to be replaced.
  package struct Rotation: Sendable, Equatable {
    /// From here on the first quiet moment is taken.
    package var from: EngineInstant
    /// Here it happens anyway.
    package var by: EngineInstant
    package var cause: RotationCause
  }

  /// What the machine needs to know of the resumption handle.
  package struct HandleFacts: Sendable, Equatable {
    package var isKnown = false
    package var isResumable = false
    /// Whether everything sent is known to be in the checkpoint that the handle names.
    package var coversAll = true

    package init(isKnown: Bool = false, isResumable: Bool = false, coversAll: Bool = true) {
      self.isKnown = isKnown
      self.isResumable = isResumable
      self.coversAll = coversAll
    }
  }

  /// A call of the model that waits for its result.
  package struct OpenCall: Sendable, Equatable {
    package var id: String
    package var name: String
    package var generation: UInt32
    /// When the broker gives up on the application's answer.
    package var due: EngineInstant
  }

  /// What comes with every input: the time, a draw from the generator, and the session's limits.
  package struct Context: Sendable {
    package var now: EngineInstant
    package var draw: UInt64
    package var limits: SessionLimits

    package init(now: EngineInstant, draw: UInt64, limits: SessionLimits) {
      self.now = now
      self.draw = draw
      self.limits = limits
    }

    /// A span in `0...bound` nanoseconds, chosen by the draw.
    func jitter(upTo bound: Int64) -> Int64 {
      guard bound > 0 else { return 0 }
      return Int64(UInt64(bound).multipliedFullWidth(by: draw).high)
    }
  }

  /// What the actor is asked to do, in order.
  package enum Action: Sendable, Equatable {
    /// Ask the pool for a credential.
    case acquireCredential(CredentialPurpose, by: EngineInstant)
    /// The service says that the credential is used up: do not use it again.
    case spendCredential
    /// Ask for a place among the broker's dials.
    case requestAdmission(DialUrgency, by: EngineInstant)
    /// Take back what was asked of pool and admission, and the dial that came of it.
    case cancelRequests
    case dial(generation: UInt32)
    case sendSetup(generation: UInt32)
    case ping(generation: UInt32)
    case close(generation: UInt32)
    /// Drop the connection without a handshake, or the dial for it.
    case abort(generation: UInt32)
    /// Stop handing accepted messages to the connection.
    case hold
    /// The connection is live: settle accounts with the old one, report, release what was held.
    case goLive(generation: UInt32, after: Interruption)
    /// The handle is poisoned; the next start is a fresh one.
    case dropHandle
    /// A turn was cut in half: give the application its end.
    case endTurn
    /// These calls will never be answered on their connection.
    case loseCalls([OpenCall])
    /// The application took too long to answer these calls.
    case expireCalls([OpenCall])
    /// The session is over.
    case end(SessionEnd)
  }
}

/// What a credential is wanted for.
package typealias CredentialPurpose = TokenPoolMachine.Purpose

/// How a dial is ranked among all dials of the broker.
package enum DialUrgency: Sendable, Equatable {
  case freshStart
  /// A session without connection.
  case resume
  /// A standby for a session that still has its connection.
  case plannedMove
}
