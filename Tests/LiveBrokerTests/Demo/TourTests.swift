// SPDX-License-Identifier: Apache-2.0

import LiveBroker
import LiveEmulator
import Testing

@testable import LiveBrokerDemo

/// The tour itself, at sizes that a debug build runs in seconds.
@Suite struct TourTests {
  private func tour(_ arguments: String...) throws -> TourSummary {
    let options = try TourOptions(arguments: arguments)
    let tour = Tour(options, recording: try Recording.load(options.speech)) { _ in }
    let storm = try tour.run { _, _ in }
    tour.trace.flush()
    return TourReporter(tour: tour, storm: storm, wall: .zero, life: nil).report().summary
  }

  @Test(arguments: ["1", "2", "77"])
  func aTourKeepsEveryPromise(seed: String) throws {
    let summary = try tour("--sessions", "4", "--seed", seed)
    #expect(summary.holds, "\(summary.verdicts) \(summary.run.promisesBroken)")
    #expect(summary.rotationsPerSession.min >= 6)
    #expect(summary.renewalsPerSession.min >= 2)
    #expect(summary.audio.sentBytes >= 4 * 1_900_000)
    #expect(summary.toolCalls > 0)
    #expect(summary.receivedFromModelBytes > 0)
    #expect(summary.unplannedDrops == 4)
    #expect(summary.freshStarts == 0)
  }

  @Test func withoutAStormNothingIsLost() throws {
    let summary = try tour("--sessions", "4", "--storm-at", "none")
    #expect(summary.holds)
    #expect(summary.audio.lostBytes == 0)
    #expect(summary.audio.uncertainBytes == 0)
    #expect(summary.gap.p99 <= 2.2 * 50 + 20)
    #expect(summary.held.p99 <= summary.gap.p99 + 2_000)
  }

  @Test func anOptimisticMoveTakesOneRoundTripAndARefusedOneFive() throws {
    let calm = ["--sessions", "4", "--minutes", "25", "--storm-at", "none"]
    let optimistic = try tour(
      calm[0], calm[1], calm[2], calm[3], calm[4], calm[5],
      "--handover", "optimistic")
    #expect(optimistic.holds)
    #expect(optimistic.gap.p99 <= 1.2 * 50 + 20)
    let refused = try tour(
      calm[0], calm[1], calm[2], calm[3], calm[4], calm[5],
      "--handover", "optimistic", "--release-lag", "50ms")
    #expect(refused.holds)
    #expect(refused.gap.p99 > 3 * 50)
    #expect(refused.gap.p99 <= 5.2 * 50 + 20)
  }

  @Test func aStormIsRiddenOutWithinWhatTheServiceAdmits() throws {
    let summary = try tour(
      "--sessions", "600", "--minutes", "4", "--storm-at", "2", "--admit", "100",
      "--audio", "none")
    let storm = try #require(summary.run.storm)
    #expect(summary.holds, "\(summary.run.promisesBroken)")
    #expect(storm.sessions == 600)
    #expect(storm.attemptsPerSession <= 1.2)
    #expect(storm.lastBack <= .seconds(1.4 * 6))
    #expect(storm.peakDialsPerSecond <= 120)
  }

  @Test func equalSeedsGiveEqualTracesAndOthersGiveOthers() throws {
    let arguments = ["--sessions", "3", "--minutes", "12", "--seed"]
    func hash(_ seed: String) throws -> String {
      try #require(
        tour(arguments[0], arguments[1], arguments[2], arguments[3], arguments[4], seed)
          .run.traceHash)
    }
    let first = try hash("5")
    #expect(try hash("5") == first)
    #expect(try hash("6") != first)
  }
}
