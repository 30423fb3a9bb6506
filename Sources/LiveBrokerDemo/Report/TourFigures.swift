// SPDX-License-Identifier: Apache-2.0

import LiveBroker

/// What was seen of one session from outside: by the emulator, by its network, by the application.
struct SessionFigures: Equatable, Sendable {
  /// Whether it answered the probe turn after the last minute.
  var isLive = false
  /// Planned moves to another connection.
  var rotations = 0
  /// Moves to another token.
  var renewals = 0
  /// Connections that ended although nobody had planned it.
  var unplannedDrops = 0
  /// Setups that went on from a handle.
  var resumed = 0
  /// Setups after the first that began anew, without a handle.
  var freshStarts = 0
  /// Calls that the model made and the application answered.
  var toolCalls = 0
  /// Bytes of the model's voice that the application was given.
  var receivedFromModelBytes = 0
  /// What became of what it said.
  var audio = AudioAccount()
  /// Of each planned move: from our close to the setup's completion.
  var gaps: [Duration] = []
  /// Of each planned move: the longest that accepted media was held back.
  var held: [Duration] = []
  /// Of each unplanned drop: from the drop to the setup's completion.
  var recoveries: [Duration] = []

  init() {}

  /// What the application saw, and what became of its speech.
  init(_ account: SessionAccount, audio: AudioAccount) {
    let planned = account.reports.filter(\.cause.isPlanned)
    let unplanned = account.reports.filter { !$0.cause.isPlanned }
    isLive = account.answeredProbe
    rotations = planned.count
    renewals = account.reports.count(where: \.credentialRenewed)
    unplannedDrops = unplanned.count
    resumed = account.reports.count { $0.outcome == .resumed }
    freshStarts = account.reports.count - resumed
    toolCalls = account.toolCalls
    receivedFromModelBytes = account.audioBytesHeard
    gaps = planned.map(\.gap)
    held = planned.map(\.longestHeld)
    recoveries = unplanned.map(\.gap)
    self.audio = audio
  }
}

/// What was seen of the storm in which the service dropped every connection.
struct StormFigures: Equatable, Sendable {
  /// Sessions that lost their connection in it.
  var sessions = 0
  /// Upgrades that the service saw from them after the drop.
  var attempts = 0
  /// From the drop to the moment in which the last of them was live again.
  var lastBack = Duration.zero
  /// Upgrades per second that the service admitted; nil for any number.
  var admittedPerSecond: Int?
  /// The largest number of upgrades within any second after the drop (``peakPerSecond(_:)``).
  var peakDialsPerSecond = 0
}

/// What was seen of the run as a whole. What is nil was not to be seen.
struct RunFigures: Equatable, Sendable {
  /// Whether the service told what it remembers: the real one does not.
  var isWitnessed = true
  /// Whether the run's own clock was a virtual one.
  var isVirtual = true
  /// How long the run lasted on its own clock, and on that of the wall.
  var virtual = Duration.zero
  var wall = Duration.zero
  var tokensMinted: Int?
  var tokensExpiredUnused: Int?
  /// One round trip of the emulated network, and how long a setup takes on it.
  var roundTrip: Duration?
  var setup: Duration?
  /// Nil if there was no storm.
  var storm: StormFigures?
  /// Each broken promise, in one sentence.
  var promisesBroken: [String] = []
  var seed: UInt64 = 0
  /// SHA-256 of the trace, in lower-case hexadecimal.
  var traceHash: String?
}
