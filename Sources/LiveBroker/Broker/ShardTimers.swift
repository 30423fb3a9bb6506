// SPDX-License-Identifier: Apache-2.0

/// When the sessions of a shard must be looked at, and what its executor was asked for because of it.
struct ShardTimers: Sendable {
  private var wheel = TimerWheel()
  /// What the executor was asked to ring at, the earliest last. Asked only for earlier ones, so
  /// that no instant is asked for twice.
  private var alarms: [EngineInstant] = []

  mutating func arm(_ slot: UInt32, at deadline: EngineInstant) { wheel.arm(slot, at: deadline) }

  mutating func disarm(_ slot: UInt32) { wheel.disarm(slot) }

  mutating func takeDue(at now: EngineInstant, into due: inout [UInt32]) {
    wheel.advance(to: now, into: &due)
  }

  /// The executor has rung for this instant.
  mutating func rang(_ instant: EngineInstant) {
    // Nearly always it is the earliest.
    if alarms.last == instant { alarms.removeLast() } else { alarms.removeAll { $0 == instant } }
  }

  /// The instant to ask the executor for now, if any; taken as asked for.
  mutating func nextAlarm() -> EngineInstant? {
    guard let next = wheel.nextDeadline, next < alarms.last ?? .never else { return nil }
    alarms.append(next)
    return next
  }
}
