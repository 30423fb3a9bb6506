// SPDX-License-Identifier: Apache-2.0

import LiveBroker
import Testing

@testable import LiveBrokerDemo

@Suite struct TimelineTests {
  static func minutes(_ minutes: Double) -> Duration { .seconds(minutes * 60) }

  /// The life that a session of the default tour leads, roughly.
  static func life() -> [TimelineEvent] {
    var events: [TimelineEvent] = []
    for (start, end) in [(0.0, 29.2), (28.9, 57.5), (57.2, 65.0)] {
      events.append(TimelineEvent(.token, from: minutes(start), to: minutes(end)))
    }
    let moves = [0.0, 9.1, 18.3, 27.2, 31, 40.1, 49.3, 58.2, 65]
    for (start, end) in zip(moves, moves.dropFirst()) {
      events.append(TimelineEvent(.connection, from: minutes(start), to: minutes(end)))
      guard end != 31, end != 65 else { continue }
      events.append(TimelineEvent(.goAway, at: minutes(end - 0.9)))
      events.append(TimelineEvent(.rotation, at: minutes(end)))
    }
    events += [28.9, 57.2].map { TimelineEvent(.renewal, at: minutes($0)) }
    events.append(TimelineEvent(.storm, at: minutes(31)))
    var random = SplitMix64(seed: 3)
    var time = 0.5
    while time < 64 {
      events.append(TimelineEvent(.turn, from: minutes(time), to: minutes(time + 0.2)))
      for step in 0..<3 {
        events.append(TimelineEvent(.handle, at: minutes(time + Double(step) / 10)))
      }
      time += 0.3 + 5 * random.unit()
    }
    return events
  }

  @Test func aLifeIsDrawnInLanesThatAlign() {
    let timeline = Timeline(title: "session-0", length: Self.minutes(65), events: Self.life())
    let lines = timeline.lines()
    #expect(lines.allSatisfy { $0.count <= 100 })
    for name in [
      "tokens", "connections", "handles", "turns", "goAway", "rotation", "renewal", "storm",
    ] {
      #expect(lines.count { $0.hasPrefix(name) } == 1)
    }
    let lanes = lines.filter { $0.dropFirst(12).hasPrefix("│") && $0.count > 13 }
    #expect(lanes.allSatisfy { Array($0)[93] == "│" })
    #expect(lines.contains { $0.hasPrefix("rotation") && $0.count { $0 == "●" } == 6 })
  }

  @Test func overlappingTokensGetRowsOfTheirOwn() {
    let tokens = [(0.0, 30.0), (20, 50), (30, 60), (45, 65)].map {
      TimelineEvent(.token, from: Self.minutes($0), to: Self.minutes($1))
    }
    let lines = Timeline(title: "", length: Self.minutes(65), events: tokens).lines()
    let first = lines.firstIndex { $0.hasPrefix("tokens") }.map { lines[$0...].prefix(3) }
    let numbers = first?.map { row in (1...4).filter { row.contains(" \($0) ") } }
    #expect(numbers == [[1, 3], [2], [4]])
  }

  @Test func theStormRunsThroughTheLanes() {
    let lines = Timeline(title: "", length: Self.minutes(65), events: Self.life()).lines()
    let storm = lines.first { $0.hasPrefix("storm") }.map(Array.init)
    let column = storm?.firstIndex(of: "↯")
    #expect(column == 13 + 38)
    let rotation = lines.first { $0.hasPrefix("rotation") }.map(Array.init)
    #expect(column.flatMap { rotation?[$0] } == "┊")
  }

  @Test func nothingAtAllIsDrawnAsEmptyLanes() {
    let lines = Timeline(title: "nobody", length: .zero, events: []).lines()
    #expect(lines.first == "nobody")
    #expect(lines.allSatisfy { $0.count <= 100 })
    #expect(lines.count { $0.hasPrefix("storm") } == 0)
  }

  @Test(arguments: [0.1, 1, 12, 20, 65, 600, 100_000])
  func everyLengthFits(_ length: Double) {
    var events = (0..<2000).map {
      TimelineEvent(.token, from: .seconds($0), to: .seconds($0 + 5000))
    }
    events.append(TimelineEvent(.storm, at: .seconds(-5)))
    events.append(TimelineEvent(.connection, from: .seconds(90), to: .seconds(30)))
    let lines = Timeline(title: "", length: Self.minutes(length), events: events).lines()
    #expect(lines.allSatisfy { $0.count <= 100 })
  }
}
