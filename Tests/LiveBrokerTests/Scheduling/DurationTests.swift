// SPDX-License-Identifier: Apache-2.0

import LiveBroker
import Testing

@Suite struct DurationTests {
  private struct Row: Sendable {
    var duration: Duration
    var nanoseconds: Int64
  }

  private static let rows: [Row] = [
    Row(duration: .zero, nanoseconds: 0),
    Row(duration: .nanoseconds(1), nanoseconds: 1),
    Row(duration: .nanoseconds(-1), nanoseconds: -1),
    Row(duration: .seconds(3_900), nanoseconds: 3_900_000_000_000),
    Row(duration: .milliseconds(-1_500), nanoseconds: -1_500_000_000),
    Row(duration: .nanoseconds(Int64.max), nanoseconds: .max),
    Row(duration: .nanoseconds(Int64.max) + .nanoseconds(1), nanoseconds: .max),
    Row(duration: .nanoseconds(-Int64.max), nanoseconds: -.max),
    Row(duration: .nanoseconds(-Int64.max) - .seconds(1), nanoseconds: .min),
    Row(duration: .seconds(Int64.max), nanoseconds: .max),
    Row(duration: .seconds(Int64.min), nanoseconds: .min),
  ]

  @Test func aDurationInNanosecondsIsSaturated() {
    for row in Self.rows { #expect(row.duration.nanoseconds == row.nanoseconds) }
  }

  @Test func fractionsAreRoundedTowardsZero() {
    let fraction = Duration(secondsComponent: 0, attosecondsComponent: 999_999_999)
    #expect(fraction.nanoseconds == 0)
    #expect((.zero - fraction).nanoseconds == 0)
    #expect((.nanoseconds(7) + fraction).nanoseconds == 7)
    #expect((.nanoseconds(-7) - fraction).nanoseconds == -7)
  }
}
