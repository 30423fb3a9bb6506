// SPDX-License-Identifier: Apache-2.0

import LiveEmulator
import Testing

@testable import LiveBroker

/// What a handle covers, when the network is not as quick as it was when it was measured.
@Suite struct CoverageTests {
  @Test(arguments: [1, 2, 3, 4, 5, 6] as [UInt64])
  func aHandleDelayedOnItsWayCoversNothingThatWasSentMeanwhile(seed: UInt64) throws {
    let stand = TestStand(seed: seed)
    let (spoken, witness) = try stand.run { stand in
      try await stand.listening { session, witness in
        var spoken = try await stand.speak(session, for: .seconds(5))
        stand.stall(.toClient, for: .seconds(3))
        spoken += try await stand.speak(session, for: .seconds(3), from: spoken.count / 40)
        stand.inject(.drop)
        try await stand.sleep(.seconds(20))
        return (spoken, witness)
      }
    }
    try checkReported(stand, spoken, witness)
  }

  @Test(arguments: [1, 2, 3, 4, 5, 6] as [UInt64])
  func speechHeldUpOnItsWayIsNotCoveredByHandlesThatKeepComing(seed: UInt64) throws {
    let stand = TestStand(seed: seed)
    let (spoken, witness) = try stand.run { stand in
      try await stand.listening { session, witness in
        var spoken = try await stand.speak(session, for: .seconds(4))
        stand.stall(.toService, for: .seconds(3))
        spoken += try await stand.speak(
          session, for: .milliseconds(1_000 + 300 * Int(seed)), from: spoken.count / 40)
        stand.inject(.drop)
        try await stand.sleep(.seconds(20))
        return (spoken, witness)
      }
    }
    try checkReported(stand, spoken, witness)
  }

  private func checkReported(_ stand: TestStand, _ spoken: [UInt8], _ witness: Witness) throws {
    let report = try #require(witness.reconnects.first)
    let account = try #require(stand.soleAccount())
    let missing = Speech.missing(in: account.remembered.audio, of: spoken)
    #expect(missing.isOrdered)
    let silent = missing.frames.filter { !report.covers(frame: $0) }
    #expect(silent.isEmpty, "\(silent.count) of \(missing.frames.count) lost frames untold")
    #expect(!missing.frames.isEmpty)
  }
}

extension TestStand {
  /// Holds up the connection of a session.
  func stall(_ directions: NetworkPartition, for duration: Duration, of label: String = "a") {
    guard let connection = connection(of: label) else { return }
    network.stall(connection, directions, for: duration)
  }
}
