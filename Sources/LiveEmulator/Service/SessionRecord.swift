// SPDX-License-Identifier: Apache-2.0

import LiveBroker

/// One conversation as the service keeps it, across connections.
struct SessionRecord: Sendable {
  var facts: SetupFacts
  /// Digest of the setup's bytes around the handle: see ``SetupCut``.
  var setupDigest: UInt64 = 0
  /// Slot of the connection that holds it, or -1.
  var socket: Int32 = -1
  /// Until when it counts as open although the socket is gone.
  var heldUntil = Int64.min
  /// When it came on its socket, and how long it was on sockets before.
  var attachedAt: Int64
  var timeOnSockets: Int64 = 0
  /// Whether it can be resumed no more.
  var isForgotten = false
  var resumes = 0
  var received = ReceivedAccount()
  var remembered = RememberedAccount()
  var forgotten = Tallies()
  var checkpoints = CheckpointList()
  /// Whether something came since the last checkpoint.
  var isDirty = false
  var lastCheckpointAt = Int64.min
  /// Whether history in client content is still possible: nothing else came first.
  var takesHistory = false
  var refusesNextResume = false
  var poisonsNextResume = false
  var forgetsOnResume = false
  /// What its next function call brings about.
  var endOfNextCall: CallEnding?
  var talk = Conversation()
  var modelAlarm = Alarm()
  var silenceAlarm = Alarm()
  var checkpointAlarm = Alarm()
  var lifeAlarm = Alarm()
  var releaseAlarm = Alarm()

  init(facts: SetupFacts, at now: Int64) {
    self.facts = facts
    attachedAt = now
  }

  func has(_ option: SetupFacts.Options) -> Bool { facts.options.contains(option) }

  /// Takes a checkpoint of what is remembered now and answers its serial.
  mutating func takeCheckpoint(keeping limit: Int, at now: Int64) -> UInt32 {
    let serial = checkpoints.next
    checkpoints.take(
      Checkpoint(
        serial: serial, tallies: remembered.tallies, audioDigest: remembered.audioDigest,
        itemCount: remembered.itemCount, turns: talk.turns, heard: talk.heard),
      keeping: limit)
    isDirty = false
    lastCheckpointAt = now
    return serial
  }

  func report(number: Int) -> SessionReport {
    SessionReport(
      session: number, label: facts.label, isLive: socket >= 0,
      isKnown: !isForgotten, resumes: resumes, turns: talk.turns, pendingCalls: talk.pending,
      received: received, remembered: remembered, forgotten: forgotten)
  }
}
