// SPDX-License-Identifier: Apache-2.0

import LiveBroker

/// Sessions across connections: resuming, checkpoints, and their end.
extension LiveService {
  /// Goes back to the checkpoint that the connection's handle named.
  mutating func resume(_ session: Int, _ facts: SetupFacts, slot: Int) {
    let serial = connections.slots[slot].checkpoint
    let label = sessions[session].facts.label
    sessions[session].facts = facts
    if facts.label != label, let new = facts.label {
      sessionsByLabel[new, default: []].append(session)
    }
    sessions[session].resumes += 1
    totals.sessionsResumed += 1
    note(.sessionResumed(connections.slots[slot].id, session: session, checkpoint: serial))
    let before = sessions[session].remembered.tallies
    if let checkpoint = sessions[session].checkpoints.find(serial) {
      sessions[session].remembered.rewind(to: checkpoint)
      sessions[session].checkpoints.rewind(to: serial)
      sessions[session].talk.restart(turns: checkpoint.turns, heard: checkpoint.heard)
    }
    spoilResume(session)
    sessions[session].takesHistory = false
    countForgotten(session, before)
  }

  /// What faults make of a resume: the memory is gone, or the model never answers again.
  private mutating func spoilResume(_ session: Int) {
    if sessions[session].forgetsOnResume || chance.happens(configuration.faults.resumeForgettings) {
      sessions[session].forgetsOnResume = false
      sessions[session].remembered.forget()
      sessions[session].checkpoints.removeAll()
      sessions[session].talk.restart(turns: 0, heard: 0)
      totals.faults += 1
    }
    if sessions[session].poisonsNextResume
      || chance.happens(configuration.faults.resumePoisonings)
    {
      sessions[session].poisonsNextResume = false
      sessions[session].talk.isPoisoned = true
      totals.faults += 1
    }
  }

  private mutating func countForgotten(_ session: Int, _ before: Tallies) {
    let lost = before - sessions[session].remembered.tallies
    guard lost.count > 0 else { return }
    sessions[session].forgotten = sessions[session].forgotten + lost
    totals.entriesForgotten += lost.count
    totals.mediaBytesForgotten += lost.mediaBytes
    note(.rolledBack(session: session, messages: lost.count, mediaBytes: lost.mediaBytes))
  }

  /// Arms what a session that has just come on a socket waits for: its first handle, and its limit.
  mutating func armSession(_ session: Int) {
    sessions[session].isDirty = true
    sessions[session].attachedAt = now
    if issuesHandles(session) {
      sessions[session].checkpointAlarm.set(
        saturated(pace.firstHandleDelay), .checkpoint, owner: UInt32(session), in: &timers)
    }
    armLimit(session)
  }

  /// The session's own length, if nothing compresses its context: time on sockets, not parked.
  mutating func armLimit(_ session: Int) {
    guard !sessions[session].has(.compresses) else { return }
    let hasVideo = sessions[session].remembered.tallies.video.count > 0
    let limit = hasVideo ? pace.videoLimit : pace.audioLimit
    let used = sessions[session].timeOnSockets + (now - sessions[session].attachedAt)
    sessions[session].lifeAlarm.set(
      saturated(max(0, limit - used)), .life, owner: UInt32(session), in: &timers)
  }

  func issuesHandles(_ session: Int) -> Bool {
    sessions[session].has(.asksForHandles) || configuration.sessions.unaskedHandles
  }

  // MARK: Checkpoints

  /// Something was taken in: a handle that covers it is due before long, unless a turn runs.
  mutating func markDirty(_ session: Int) {
    sessions[session].isDirty = true
    guard !sessions[session].checkpointAlarm.isSet, !sessions[session].talk.isTurnRunning,
      issuesHandles(session)
    else { return }
    let last = sessions[session].lastCheckpointAt
    let pause = pace.handleInterval + chance.nanoseconds(upTo: pace.handleInterval)
    let due = last == .min ? now : max(now, last + pause)
    sessions[session].checkpointAlarm.set(
      due, .checkpoint, owner: UInt32(session), in: &timers)
  }

  mutating func checkpointDue(_ session: Int) {
    let slot = Int(sessions[session].socket)
    guard slot >= 0, connections.slots[slot].phase == .live, sessions[session].isDirty,
      !sessions[session].talk.isTurnRunning, !connections.slots[slot][.withholdsHandles],
      !connections.slots[slot][.silent]
    else { return }
    let serial = sessions[session].takeCheckpoint(
      keeping: configuration.sessions.checkpointsKept, at: now)
    totals.handlesIssued += 1
    note(.checkpoint(session: session, checkpoint: serial))
    let consumed =
      sessions[session].has(.transparent) ? connections.slots[slot].messageIndex : nil
    let name = handles.name(for: UInt64(session) << 32 | UInt64(serial))
    send(slot, voice.handle(name, consumed: consumed), mayWait: false)
  }

  /// A turn or a call has begun: not resumable at this point.
  mutating func withhold(_ session: Int) {
    sessions[session].checkpointAlarm.cancel()
    let slot = Int(sessions[session].socket)
    guard slot >= 0, issuesHandles(session) else { return }
    note(.withheld(session: session))
    send(slot, voice.withheld)
  }

  // MARK: Ends

  /// Takes the session off its socket; it counts as open for `lag` more. A setup that was not
  /// completed gives its use of the token back, and leaves no session behind.
  mutating func detach(_ slot: Int, lag: Int64) {
    switch connections.slots[slot].phase {
    case .free, .closing, .upgraded: return
    case .settingUp:
      tokens.giveBack(connections.slots[slot].token, wasResume: connections.slots[slot][.resumes])
    case .live: totals.sessionsLive -= 1
    }
    connections.slots[slot].facts = nil
    let session = Int(connections.slots[slot].session)
    connections.slots[slot].session = -1
    guard session >= 0 else {
      seatsTaken -= 1
      return
    }
    park(session, wasLive: connections.slots[slot].phase == .live, lag: lag)
  }

  private mutating func park(_ session: Int, wasLive: Bool, lag: Int64) {
    sessions[session].socket = -1
    if wasLive { sessions[session].timeOnSockets += now - sessions[session].attachedAt }
    sessions[session].modelAlarm.cancel()
    sessions[session].silenceAlarm.cancel()
    sessions[session].checkpointAlarm.cancel()
    sessions[session].talk.forgetCalls()
    sessions[session].talk.phase = .idle
    sessions[session].talk.isListening = false
    if lag > 0 {
      sessions[session].heldUntil = saturated(lag)
      sessions[session].releaseAlarm.set(
        saturated(lag), .release, owner: UInt32(session), in: &timers)
    } else {
      seatsTaken -= 1
    }
    guard !sessions[session].isForgotten else { return }
    sessions[session].lifeAlarm.set(
      saturated(pace.handleLifetime), .life, owner: UInt32(session), in: &timers)
  }

  /// The handles have expired, or a session without compression has reached its length.
  mutating func lifeDue(_ session: Int) {
    let slot = Int(sessions[session].socket)
    forget(session)
    if slot >= 0 { close(slot, configuration.sessions.limitNotice) }
  }

  mutating func forget(_ session: Int) {
    sessions[session].isForgotten = true
    sessions[session].checkpoints.removeAll()
    note(.forgotten(session: session))
  }
}
