// SPDX-License-Identifier: Apache-2.0

/// A look at a broker at one moment. Shards are asked one after the other, so the parts may be
/// microseconds apart.
public struct BrokerSnapshot: Sendable, Hashable {
  /// Sessions by phase; phases without sessions are absent.
  public var sessions: [SessionPhase: Int] = [:]
  /// Sessions opened since the broker began.
  public var opened = 0
  /// Sessions that are over, for whatever reason.
  public var ended = 0
  /// Of those, the ones that ended though the application wanted them to go on.
  public var failed = 0
  /// Planned moves to another connection.
  public var plannedMoves = 0
  /// Reconnects after a loss.
  public var recoveries = 0
  /// Reconnects that had to begin a new conversation.
  public var freshStarts = 0
  /// Dials given up before they had an outcome, since their session had ended, was restarted, or had
  /// gone on without them. Those that the end of the broker's run gives up are not counted.
  public var dialsGivenUp = 0
  /// Faults inside sessions, and the restarts that followed.
  public var faults = 0
  /// Sessions restarted after a fault.
  public var restarts = 0
  /// Messages dropped before they were sent.
  public var droppedMessages = 0
  /// Messages that were sent and could not be kept for sending them again, since too many were
  /// without a handle that covers them.
  public var unkeptMessages = 0
  /// Resumes after which the service seemed to have forgotten (``MemoryDoubt``).
  public var doubtedResumes = 0
  /// Tool results whose calls no longer existed.
  public var lateToolResults = 0
  /// Frames of the service that were not understood.
  public var malformedFrames = 0
  /// Messages of the service of a kind that this version does not know. The application gets them.
  public var unknownMessages = 0
  /// Events that slow observers did not get.
  public var missedEvents = 0
  /// Handles that could not be written to the store.
  public var failedStoreWrites = 0

  /// How many sessions the service was seen to take at one time; nil until it has refused one for
  /// being too many (its close 1011 about the quota). It rises when more are taken, and falls with a
  /// refusal.
  public var learnedSessionCap: Int?
  /// New sessions that wait for one of the others to end.
  public var waitingForPlace = 0
  /// What the pool of the sessions' tokens has done; nil if the broker opens with a key. Tokens for
  /// remote clients (``Broker/vendToken(_:)``) are not in it.
  public var tokens: TokenPoolSnapshot?

  /// Sessions that are not over.
  public var open: Int { sessions.values.reduce(0, +) }
}

extension Broker {
  /// Counts what there is, now. On a broker that does not run, what is left of it.
  public func snapshot() async -> BrokerSnapshot {
    var snapshot = BrokerSnapshot()
    let admission = await services.admission.snapshot
    snapshot.learnedSessionCap = admission.learnedCap
    snapshot.waitingForPlace = admission.waitingForPlace
    snapshot.tokens = services.pool?.snapshot()
    for shard in shards {
      await shard.count(into: &snapshot)
    }
    return snapshot
  }
}

extension Shard {
  func count(into snapshot: inout BrokerSnapshot) {
    for session in sessions {
      guard let session else { continue }
      snapshot.sessions[session.assumeIsolated { $0.machine.phase }, default: 0] += 1
    }
    snapshot.opened += counters.opened
    snapshot.ended += counters.ended
    snapshot.failed += counters.failed
    snapshot.plannedMoves += counters.plannedMoves
    snapshot.recoveries += counters.recoveries
    snapshot.freshStarts += counters.freshStarts
    snapshot.dialsGivenUp += counters.dialsGivenUp
    snapshot.faults += counters.faults
    snapshot.restarts += counters.restarts
    snapshot.droppedMessages += counters.droppedMessages
    snapshot.unkeptMessages += counters.unkeptMessages
    snapshot.doubtedResumes += counters.doubtedResumes
    snapshot.lateToolResults += counters.lateResults
    snapshot.malformedFrames += counters.malformedFrames
    snapshot.unknownMessages += counters.unknownMessages
    snapshot.missedEvents += counters.missedEvents
    snapshot.failedStoreWrites += counters.failedStoreWrites
  }
}
