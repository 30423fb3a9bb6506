// SPDX-License-Identifier: Apache-2.0

import LiveEmulator
import Testing

@testable import LiveBroker

@Suite struct FirstSliceTests {
  @Test(arguments: [true, false])
  func aSessionAsksAndIsAnswered(tokens: Bool) throws {
    let answer = try TestStand(tokens: tokens).run { stand in
      try await stand.broker.withSession(stand.configuration()) { session in
        try await session.ask("probe 1")
      }
    }
    #expect(answer.contains("probe"))
  }

  @Test func aSessionLivesThroughConnectionsAndTokens() throws {
    let stand = TestStand()
    let reports = try stand.run { stand in
      try await stand.broker.withSession(stand.configuration()) { session in
        let events = session.reconnects
        for minute in 0..<65 {
          try await stand.sleep(.seconds(60))
          _ = try await session.ask("minute \(minute)")
        }
        await session.close()
        var reports: [ReconnectReport] = []
        for await report in events { reports.append(report) }
        return reports
      }
    }
    for r in reports { print(r.cause, r.gap, r.longestHeld, r.credentialRenewed, r.uncertain) }
    #expect(reports.count >= 6)
    #expect(reports.allSatisfy { $0.outcome == .resumed && $0.uncertain.isEmpty })
    #expect(reports.count(where: \.credentialRenewed) >= 2)
    #expect(reports.allSatisfy { $0.gap <= .milliseconds(130) })
  }
}
