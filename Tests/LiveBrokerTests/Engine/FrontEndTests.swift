// SPDX-License-Identifier: Apache-2.0

import LiveEmulator
import Testing

@testable import LiveBroker

/// What a handle covers where a pong is no proof that the conversation has a message: behind a
/// front-end (``CoveragePolicy/margin``), and where the service counts what it consumed.
@Suite struct FrontEndTests {
  /// What was spoken, and what came of it.
  private struct Outcome {
    /// Frames of speech that the service does not remember.
    var missing: Set<Int>
    /// Frames that the reports call uncertain or dropped.
    var reported: Set<Int>
    var reconnects: Int
  }

  /// Speaks for a while over a connection that is dropped in the middle.
  private func lose(
    seed: UInt64, hold: Duration, miscount: Int = 0, pongDelay: Duration = .zero,
    _ change: @escaping @Sendable (inout SessionConfiguration) -> Void
  ) throws -> Outcome {
    let stand = TestStand(seed: seed, tokens: false)
    var configuration = ServiceConfiguration()
    configuration.accounts.audioKept = 4 << 20
    configuration.sessions.transparentResumption = true
    var network = NetworkConfiguration()
    network.pongDelay = pongDelay
    let fronted = EmulatedNetwork(
      simulation: stand.simulation,
      service: FrontedService(
        LiveService(configuration: configuration, seed: seed), hold: hold, miscount: miscount),
      configuration: network)
    let (spoken, witness) = try stand.run { stand in
      try await stand.runAnother(over: fronted) { broker in
        let session = try await broker.openSession(stand.configuration(change))
        let witness = Witness(clock: stand.simulation.clock)
        return try await withThrowingTaskGroup(of: Void.self) { group in
          witness.listen(to: session, in: &group)
          var spoken = try await stand.speak(
            session, for: .milliseconds(4_000 + 300 * Int(seed)))
          fronted.withService { front in
            _ = front.service.inject(.drop, intoSession: "a", at: stand.now)
          }
          spoken += try await stand.speak(session, for: .seconds(3), from: spoken.count / 40)
          try await stand.sleep(.seconds(10))
          await session.close()
          try await group.waitForAll()
          return (spoken, witness)
        }
      }
    }
    let sessions = fronted.withService { $0.service.report("a").sessions }
    let account = try #require(sessions.count == 1 ? sessions.first : nil)
    let missing = Speech.missing(in: account.remembered.audio, of: spoken)
    #expect(missing.isOrdered)
    let reports = witness.reconnects
    return Outcome(
      missing: Set(missing.frames),
      reported: Set(
        (0..<spoken.count / 40).filter { frame in reports.contains { $0.covers(frame: frame) } }),
      reconnects: reports.count)
  }

  @Test(arguments: UInt64(1)...8)
  func aMarginAsLongAsTheFrontEndKeepsSpeechMakesEveryLossTold(seed: UInt64) throws {
    let outcome = try lose(seed: seed, hold: .milliseconds(400)) {
      $0.coverage.margin = .milliseconds(400)
    }
    #expect(outcome.reconnects == 1 && !outcome.missing.isEmpty)
    #expect(outcome.missing.isSubset(of: outcome.reported))
    // More cautious by three pings, which are a margin apart, and a round trip.
    #expect(outcome.reported.count - outcome.missing.count <= 13)
  }

  @Test func withoutAMarginWhatAFrontEndKeptIsLostUntold() throws {
    let untold = try (UInt64(1)...8).map { seed in
      let outcome = try lose(seed: seed, hold: .milliseconds(400)) { _ in }
      return outcome.missing.subtracting(outcome.reported).count
    }
    // Otherwise the test above would prove nothing.
    #expect(untold.allSatisfy { $0 > 0 }, "\(untold)")
  }

  private static let counting: @Sendable (inout SessionConfiguration) -> Void = {
    $0.setup.sessionResumption = SessionResumptionConfig(transparent: true)
  }

  @Test(arguments: UInt64(1)...8)
  func whereTheServiceCountsItsCountIsTakenAndNotWhatPongsProve(seed: UInt64) throws {
    let outcome = try lose(seed: seed, hold: .milliseconds(400), Self.counting)
    #expect(outcome.reconnects == 1 && !outcome.missing.isEmpty)
    #expect(outcome.reported == outcome.missing)
  }

  @Test(arguments: UInt64(1)...8)
  func whereTheServiceCountsNoPongIsWaitedFor(seed: UInt64) throws {
    let outcome = try lose(
      seed: seed, hold: .zero, pongDelay: .seconds(30), Self.counting)
    #expect(outcome.reconnects == 1 && !outcome.missing.isEmpty)
    #expect(outcome.reported == outcome.missing)
  }

  @Test(arguments: UInt64(1)...4)
  func aCountBeyondWhatWasSentCoversNothing(seed: UInt64) throws {
    let outcome = try lose(seed: seed, hold: .zero, miscount: 1_000, Self.counting)
    #expect(outcome.reconnects == 1 && !outcome.missing.isEmpty)
    #expect(outcome.missing.isSubset(of: outcome.reported))
    #expect(outcome.reported.contains(0))
  }
}
