// SPDX-License-Identifier: Apache-2.0

import LiveEmulator
import Testing

@testable import LiveBroker

@Suite struct LossTests {
  @Test(arguments: [1, 2, 3, 4, 5] as [UInt64])
  func whatADropInMidSpeechCostsIsReportedToTheByte(seed: UInt64) throws {
    let stand = TestStand(seed: seed)
    let (spoken, witness) = try stand.run { stand in
      try await stand.listening { session, witness in
        var spoken = try await stand.speak(session, for: .seconds(5 + Int(seed)))
        stand.inject(.drop)
        spoken += try await stand.speak(session, for: .seconds(5), from: spoken.count / 40)
        try await stand.sleep(.seconds(5))
        return (spoken, witness)
      }
    }
    let report = try #require(witness.reconnects.first)
    let account = try #require(stand.soleAccount())
    let missing = Speech.missing(in: account.remembered.audio, of: spoken)
    #expect(missing.isOrdered)
    #expect(missing.frames.allSatisfy { report.covers(frame: $0) })
    // What is reported beyond the loss was sent within one round trip of the checkpoint, and since
    // the last ping before that: 250 ms.
    let reported = (report.uncertain.audioBytes + report.dropped.audioBytes) / 40
    #expect(reported - missing.frames.count <= 4)
    #expect(account.remembered.audio.count + missing.frames.count * 40 == spoken.count)
    #expect(report.outcome == .resumed)
  }

  /// A handle covers what had arrived when the service made it, and only the round trip tells how
  /// much of what was sent had not.
  @Test(arguments: UInt64(1)...24)
  func whatADropCostsIsReportedToTheByteThoughTheDelayVaries(seed: UInt64) throws {
    let stand = TestStand(seed: seed, network: { $0.faults.jitter = .milliseconds(300) })
    let (spoken, witness) = try stand.run { stand in
      try await stand.listening { session, witness in
        var spoken: [UInt8] = []
        for _ in 0..<4 {
          spoken += try await stand.speak(session, for: .seconds(6), from: spoken.count / 40)
          stand.inject(.drop)
        }
        try await stand.sleep(.seconds(5))
        return (spoken, witness)
      }
    }
    let account = try #require(stand.soleAccount())
    let missing = Speech.missing(in: account.remembered.audio, of: spoken)
    let reports = witness.reconnects
    #expect(reports.count == 4)
    #expect(missing.frames.allSatisfy { frame in reports.contains { $0.covers(frame: frame) } })
  }

  @Test func textIsRememberedAtLeastOnceAndInOrderOverDrops() throws {
    let stand = TestStand { $0.model.verbosity = .brief }
    try stand.run { stand in
      try await stand.listening { session, _ in
        for number in 0..<60 {
          try await session.send(.realtimeInput(.init(text: "note \(number)")))
          try await stand.sleep(.milliseconds(700))
          if number % 9 == 5 { stand.inject(.drop) }
        }
        try await stand.sleep(.seconds(10))
      }
    }
    let items = try #require(stand.soleAccount()).remembered.items
    let numbers = items.compactMap { item -> Int? in
      guard case .text(let text) = item.kind else { return nil }
      return Int(text.dropFirst("note ".count))
    }
    #expect(Set(numbers).count == 60)
    var firsts: [Int] = []
    for number in numbers where !firsts.contains(number) { firsts.append(number) }
    #expect(firsts == Array(0..<60))
  }

  @Test func aCutTurnGetsItsEndBeforeTheReconnectIsReported() throws {
    let stand = TestStand()
    let witness = try stand.run { stand in
      try await stand.listening { session, witness in
        try await stand.sleep(.seconds(5))
        try await session.send(text: "a long answer, please")
        try await stand.sleep(.seconds(5))
        stand.inject(.drop)
        try await stand.sleep(.seconds(5))
        return witness
      }
    }
    let end = witness.events.firstIndex {
      if case .message(let message) = $0.event {
        message.serverContent?.interrupted == true
      } else {
        false
      }
    }
    let report = witness.events.firstIndex { if case .reconnect = $0.event { true } else { false } }
    #expect(try #require(end) < #require(report))
  }
}

/// What became of speech.
enum Speech {
  /// The frames of `spoken` that are not in `heard`, and whether those that are came in order and
  /// once.
  static func missing(
    in heard: [UInt8], of spoken: [UInt8]
  ) -> (frames: [Int], isOrdered: Bool) {
    let numbers = frames(heard)
    let isOrdered = zip(numbers, numbers.dropFirst()).allSatisfy { $0 < $1 }
    let present = Set(numbers)
    return (frames(spoken).filter { !present.contains($0) }, isOrdered)
  }

  private static func frames(_ bytes: [UInt8]) -> [Int] {
    stride(from: 0, to: bytes.count, by: 40).map { Int(bytes[$0]) | Int(bytes[$0 + 1]) << 8 }
  }
}

extension ReconnectReport {
  /// Whether this frame of the test's speech is reported lost or uncertain.
  func covers(frame: Int) -> Bool {
    (uncertain.audio + dropped.audio).contains {
      $0.lowerBound <= frame * 40 && frame * 40 + 40 <= $0.upperBound
    }
  }
}
