// SPDX-License-Identifier: Apache-2.0

import LiveBroker
import Testing

/// Whose clock a token's times are spelled in, and tokens for remote clients.
@Suite struct TokenPoolTimesTests {
  /// The service's calendar when the engine's clock is at `instant`.
  static func serviceTime(at instant: EngineInstant, skew: Int64) -> WallTime {
    WallTime(nanosecondsSinceEpoch: 1_800_000_000_000_000_000 + skew + instant.nanoseconds)
  }

  /// A service with its own clock that stamps answers with whole seconds.
  static func pool(
    skew: Int64, latency: Duration, _ configure: (inout TokenPoolConfiguration) -> Void = { _ in }
  ) -> PoolScript {
    var pool = PoolScript(configure)
    pool.latency = latency
    pool.answer = { mint in
      let stamped = serviceTime(at: mint.sentAt.advanced(by: latency / 3), skew: skew)
      let date = WallTime(
        nanosecondsSinceEpoch: stamped.nanosecondsSinceEpoch / 1_000_000_000 * 1_000_000_000)
      return .success(MintedToken(name: Secret("auth_tokens/\(mint.id)"), serverDate: date))
    }
    return pool
  }

  @Test func untilTheServicesClockIsKnownNoTimesAreNamedAndItsDefaultsAreCounted() throws {
    var pool = PoolScript {
      $0.newSessionWindow = .seconds(600)
      $0.lifetime = .seconds(7_200)
    }
    pool.request(1)
    pool.run(for: .seconds(1))
    #expect(pool.mints[0].request == TokenRequest())
    let token = try #require(pool.deliveries.first?.token)
    #expect(token.machine.nextDeadline == second(61))
    #expect(token.machine.expiresAt == second(1801))
    #expect(!pool.snapshot.asksForTimes)
  }

  @Test(
    arguments: [
      -600_000_000_000, -40_500_000_000, 0, 333_333_333, 40_000_000_000, 600_000_000_000,
    ],
    [0, 300, 3_000])
  func whateverTheSkewTheServiceNeverEndsATokenBeforeWeDo(skew: Int64, latency: Int) throws {
    var pool = Self.pool(skew: skew, latency: .milliseconds(latency)) {
      $0.newSessionWindow = .seconds(120)
      $0.lifetime = .seconds(3_600)
    }
    pool.request(0)
    pool.run(for: .seconds(5))
    #expect(pool.snapshot.asksForTimes)
    for number in 1...20 {
      pool.request(number)
      pool.run(for: .seconds(7))
    }
    let asked = pool.mints.filter { $0.request.newSessionExpireTime != nil }
    #expect(asked.count >= 15)
    for mint in asked {
      let window = try #require(mint.request.newSessionExpireTime)
      let end = try #require(mint.request.expireTime)
      // What we count: from the sending. What the service does: by its own clock.
      let ourWindowEnd = Self.serviceTime(at: mint.sentAt.advanced(by: .seconds(120)), skew: skew)
      let ourEnd = Self.serviceTime(at: mint.sentAt.advanced(by: .seconds(3_600)), skew: skew)
      #expect(window >= ourWindowEnd)
      #expect(end >= ourEnd)
      // And not much longer than wanted: a second of rounding and a round trip.
      let slack = ourWindowEnd.duration(to: window)
      #expect(slack <= .seconds(1) + .milliseconds(latency))
    }
    let last = try #require(pool.deliveries.last?.token)
    #expect(last.machine.issuedAt.duration(to: last.machine.nextDeadline) == .seconds(120))
  }

  @Test func aServiceWhoseClockIsSetIsFollowed() throws {
    var pool = Self.pool(skew: 0, latency: .milliseconds(100))
    pool.request(1)
    pool.run(for: .seconds(5))
    let later = Self.pool(skew: 3_600_000_000_000, latency: .milliseconds(100))
    pool.answer = later.answer
    pool.request(2)
    pool.run(for: .seconds(5))
    for number in 3...20 { pool.request(number) }
    #expect(pool.mints.last?.sentAt == pool.now)
    let asked = try #require(pool.mints.last?.request.newSessionExpireTime)
    #expect(asked > Self.serviceTime(at: pool.now, skew: 3_600_000_000_000))
  }

  @Test(arguments: [Int64.min, Int64.max]) func anAbsurdDateDoesNotTrap(_ date: Int64) {
    var pool = PoolScript()
    pool.answer = {
      .success(
        MintedToken(
          name: Secret("auth_tokens/\($0.id)"),
          serverDate: WallTime(nanosecondsSinceEpoch: date)))
    }
    for number in 0..<5 {
      pool.request(number)
      pool.run(for: .seconds(10))
    }
    #expect(pool.deliveries.count == 5)
  }

  @Test func aRequestThatIsRefusedForItsTimesIsAskedOnceMoreWithoutThem() {
    var pool = Self.pool(skew: 0, latency: .milliseconds(100))
    let healthy = pool.answer
    pool.answer = { $0.request.expireTime == nil ? healthy($0) : .failure(.badRequest) }
    pool.request(1)
    pool.run(for: .seconds(1))
    for number in 2...6 { pool.request(number) }
    pool.run(for: .seconds(2))
    #expect(pool.deliveries.count { $0.token != nil } == 6)
    #expect(!pool.snapshot.asksForTimes)
    #expect(pool.mints.last?.request.expireTime == nil)
  }

  @Test func allMintsOfAPoolCarryTheSameConstraints() {
    let constraints = TokenConstraints(setup: Array(#"{"model":"m"}"#.utf8), fieldMask: "model")
    var pool = Self.pool(skew: 0, latency: .milliseconds(100)) { $0.constraints = constraints }
    for number in 0..<50 {
      pool.request(number)
      pool.run(for: .seconds(1))
    }
    #expect(pool.mints.count >= 50)
    #expect(pool.mints.allSatisfy { $0.request.constraints == constraints })
  }
}
