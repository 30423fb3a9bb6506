// SPDX-License-Identifier: Apache-2.0

import LiveBroker
import Testing

@Suite struct ArrivalProofTests {
  private func second(_ time: Double) -> EngineInstant {
    EngineInstant(nanoseconds: Int64(time * 1e9))
  }

  @Test func aPongProvesWhatWasSentBeforeItsPingHoweverLateItIs() {
    var proof = ArrivalProof()
    let first = proof.pinged(after: 3, at: second(0), margin: 0)
    #expect(proof.settled == 0)
    proof.ponged(first, sent: 90, at: second(40))
    #expect(proof.settled == 3)
  }

  @Test func aPongThatSkipsEarlierPingsProvesThoseToo() {
    var proof = ArrivalProof()
    _ = proof.pinged(after: 3, at: second(0), margin: 0)
    let second = proof.pinged(after: 5, at: second(1), margin: 0)
    proof.ponged(second, sent: 6, at: self.second(2))
    #expect(proof.settled == 5)
  }

  @Test func whatIsNotOursProvesNothing() {
    var proof = ArrivalProof()
    let strange: [[UInt8]] = [
      [], [1], [0, 0, 0, 1], [0, 0, 0, 9, 0, 0, 0, 9], [255, 255, 255, 255, 0, 0, 0, 0],
      [0, 0, 0, 1, 0, 0, 0, 2], [UInt8](repeating: 0, count: 125),
    ]
    for data in strange {
      let isProof = proof.ponged(data, sent: 8, at: second(1))
      #expect(!isProof, "\(data)")
      #expect(proof.settled == 0)
    }
  }

  @Test func anEarlierPongTakesNothingBack() {
    var proof = ArrivalProof()
    let old = proof.pinged(after: 3, at: second(0), margin: 0)
    let new = proof.pinged(after: 5, at: second(1), margin: 0)
    proof.ponged(new, sent: 6, at: second(2))
    proof.ponged(old, sent: 6, at: second(3))
    #expect(proof.settled == 5)
  }

  @Test func withAMarginASecondPingIsNeededThatWasSentSoMuchLater() {
    var proof = ArrivalProof()
    let margin: Int64 = 1_000_000_000
    let first = proof.pinged(after: 3, at: second(0), margin: margin)
    proof.ponged(first, sent: 3, at: second(0.1))
    #expect(proof.settled == 0)
    let early = proof.pinged(after: 3, at: second(1), margin: margin)
    proof.ponged(early, sent: 3, at: second(50))
    #expect(proof.settled == 0)
    let ripe = proof.pinged(after: 4, at: second(51), margin: margin)
    #expect(proof.settled == 0)
    proof.ponged(ripe, sent: 4, at: second(51.1))
    #expect(proof.settled == 3)
  }

  @Test func aMarginDoesNotStarveAStreamOfPings() {
    var proof = ArrivalProof()
    for tick in 1...40 {
      let now = second(Double(tick) / 4)
      let ping = proof.pinged(after: UInt32(tick), at: now, margin: 1_000_000_000)
      proof.ponged(ping, sent: UInt32(tick), at: now)
    }
    #expect(proof.settled >= 32)
  }
}
