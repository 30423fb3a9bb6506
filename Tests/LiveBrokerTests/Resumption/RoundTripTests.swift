// SPDX-License-Identifier: Apache-2.0

import LiveBroker
import Testing

@Suite struct RoundTripTests {
  @Test func nothingMeasuredMeansTheLimit() {
    #expect(RoundTrip().upperBound == .seconds(2))
  }

  @Test func theSetupsAnswerCountsUntilTheFirstPong() {
    var roundTrip = RoundTrip()
    roundTrip.setupAnswered(after: .milliseconds(700))
    #expect(roundTrip.upperBound == .milliseconds(700))
    roundTrip.pongReceived(after: .milliseconds(40))
    #expect(roundTrip.upperBound == .milliseconds(40))
  }

  @Test func theBoundIsTheLongestOfTheLastFour() {
    var roundTrip = RoundTrip()
    for sample in [900, 10, 20, 30] { roundTrip.pongReceived(after: .milliseconds(sample)) }
    #expect(roundTrip.upperBound == .milliseconds(900))
    roundTrip.pongReceived(after: .milliseconds(15))
    // Samples are kept in steps of 32 microseconds, rounded up.
    #expect(roundTrip.upperBound == .microseconds(30_016))
  }

  @Test func theDelayIsSteadyAsLongAsTheLastFourAgree() {
    var roundTrip = RoundTrip()
    for _ in 0..<3 {
      roundTrip.pongReceived(after: .milliseconds(40))
      #expect(!roundTrip.isSteady && !roundTrip.isFilled)
    }
    roundTrip.pongReceived(after: .milliseconds(40))
    #expect(roundTrip.isSteady && roundTrip.isFilled)
    roundTrip.pongReceived(after: .milliseconds(41))
    #expect(!roundTrip.isSteady)
    for _ in 0..<3 { roundTrip.pongReceived(after: .milliseconds(41)) }
    #expect(roundTrip.isSteady)
  }

  @Test(arguments: [(50, 50, true), (50, 51, false)])
  func aNewConnectionIsSteadyAtOnceIfItIsAsTheOneBefore(before: Int, after: Int, isSteady: Bool) {
    var roundTrip = RoundTrip()
    for _ in 0..<4 { roundTrip.pongReceived(after: .milliseconds(before)) }
    roundTrip.connectionReplaced()
    #expect(roundTrip.isSteady)
    roundTrip.pongReceived(after: .milliseconds(after))
    #expect(roundTrip.isSteady == isSteady)
  }

  @Test func aPongOf30SecondsIsCutAtTheLimit() {
    var roundTrip = RoundTrip()
    roundTrip.pongReceived(after: .seconds(30))
    #expect(roundTrip.upperBound == .seconds(2))
    roundTrip.pongReceived(after: .seconds(100_000_000))
    #expect(roundTrip.upperBound == .seconds(2))
  }

  @Test func aBoundIsRoundedUpAndNeverNegative() {
    var roundTrip = RoundTrip()
    roundTrip.pongReceived(after: .nanoseconds(1_001))
    #expect(roundTrip.upperBound == .microseconds(32))
    var strange = RoundTrip()
    strange.pongReceived(after: .seconds(-1))
    #expect(strange.upperBound == .microseconds(32))
  }

  @Test func aNewConnectionIsMeasuredAnew() {
    var roundTrip = RoundTrip()
    roundTrip.setupAnswered(after: .milliseconds(700))
    roundTrip.pongReceived(after: .milliseconds(40))
    roundTrip.connectionReplaced()
    #expect(roundTrip.upperBound == .seconds(2))
  }
}
