// SPDX-License-Identifier: Apache-2.0

import LiveEmulator

@testable import LiveBroker

/// What a test does to the world, and what it asks of it.
extension TestStand {
  var now: EngineInstant { simulation.clock.now }

  /// Puts a fault into the session that bears the label.
  @discardableResult
  func inject(_ fault: ServiceFault, into label: String = "a") -> Bool {
    network.withService { $0.inject(fault, intoSession: label, at: now) }
  }

  /// Lets what is under way arrive after the broker has stopped.
  func letPass(_ duration: Duration) throws {
    let clock = simulation.clock
    try simulation.run { try await clock.sleep(for: duration) }
  }

  /// The service's account of the sessions that bear the label.
  func account(_ label: String = "a") -> [SessionReport] {
    network.withService { $0.report(label).sessions }
  }

  /// The service's account of a label that was never begun afresh.
  func soleAccount(_ label: String = "a") -> SessionReport? {
    let sessions = account(label)
    return sessions.count == 1 ? sessions.first : nil
  }

  var totals: ServiceTotals { network.withService { $0.totalsNow } }

  var promisesBroken: [BrokenPromise] { network.withService { $0.promisesBroken } }

  /// The connection that holds a session now.
  func connection(of label: String = "a") -> ConnectionID? {
    network.withService { $0.connection(ofSession: label) }
  }

  /// Opens a session, listens to it in the background while `body` runs, and closes it.
  @discardableResult
  func listening<R: Sendable>(
    to configuration: SessionConfiguration? = nil, id: String? = nil,
    _ body: @escaping @Sendable (LiveSession, Witness) async throws -> R
  ) async throws -> R {
    let session = try await broker.openSession(configuration ?? self.configuration(), id: id)
    let witness = Witness(clock: simulation.clock)
    return try await withThrowingTaskGroup(of: Void.self) { group in
      witness.listen(to: session, in: &group)
      do {
        let result = try await body(session, witness)
        await session.close()
        try await group.waitForAll()
        return result
      } catch {
        await session.close()
        throw error
      }
    }
  }

  /// Speaks: one frame of 40 bytes every 100 ms, each with its own place in it, none silent.
  @discardableResult
  func speak(
    _ session: LiveSession, for length: Duration, from start: Int = 0
  ) async throws -> [UInt8] {
    var spoken: [UInt8] = []
    for number in start..<start + Int(length / .milliseconds(100)) {
      let frame = Self.frame(number)
      try await session.send(audio: frame)
      spoken += frame
      try await sleep(.milliseconds(100))
    }
    return spoken
  }

  static func frame(_ number: Int) -> [UInt8] {
    (0..<10).flatMap { place in
      [UInt8(truncatingIfNeeded: number), UInt8(truncatingIfNeeded: number >> 8), UInt8(place), 1]
    }
  }
}

/// Where two streams of bytes begin to differ; nil if they do not. For expectations whose failure
/// must not print megabytes.
func firstDifference(_ one: [UInt8], _ other: [UInt8]) -> Int? {
  guard one != other else { return nil }
  return zip(one, other).enumerated().first { $0.element.0 != $0.element.1 }?.offset
    ?? min(one.count, other.count)
}
