// SPDX-License-Identifier: Apache-2.0

/// What a shard has counted since it was made.
struct ShardCounters: Sendable {
  var opened = 0
  var ended = 0
  var failed = 0
  var faults = 0
  var restarts = 0
  var plannedMoves = 0
  var recoveries = 0
  var dialsGivenUp = 0
  var freshStarts = 0
  var droppedMessages = 0
  var unkeptMessages = 0
  var doubtedResumes = 0
  var lateResults = 0
  var malformedFrames = 0
  var unknownMessages = 0
  var missedEvents = 0
  var failedStoreWrites = 0

  mutating func note(_ end: SessionEnd) {
    ended += 1
    if end.isFailure { failed += 1 }
  }
}

extension Shard {
  func noteReconnect(_ report: ReconnectReport, _ id: SessionID, missedByObservers missed: Int) {
    counters.missedEvents += missed
    if report.cause.isPlanned { counters.plannedMoves += 1 } else { counters.recoveries += 1 }
    if report.outcome == .startedFresh { counters.freshStarts += 1 }
    services.tell(of: id) { $0.sessionReconnected(id: $1, report) }
  }

  func noteDropped(_ messages: Int) { counters.droppedMessages += messages }

  func noteLateResults(_ results: Int) { counters.lateResults += results }

  func noteDoubt(_ doubt: MemoryDoubt, _ id: SessionID) {
    counters.doubtedResumes += 1
    services.tell(of: id) { $0.sessionMemoryDoubted(id: $1, doubt) }
  }

  func noteUnknown() { counters.unknownMessages += 1 }

  func noteMalformed(_ error: WireError) {
    counters.malformedFrames += 1
    services.observer.frameRefused(error)
  }
}
