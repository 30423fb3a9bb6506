// SPDX-License-Identifier: Apache-2.0

import LiveEmulator
import Testing

@testable import LiveBroker

/// What the service may say one day, through the whole engine.
@Suite struct UnknownMessageTests {
  @Test(arguments: [true, false])
  func aMessageOfANewKindReachesTheApplicationAndIsCounted(keepsFrames: Bool) throws {
    let frame = Array(#"{ "brandNewThing": {"n": 1}, "another_one": [null] }"#.utf8)
    let stand = TestStand()
    try stand.run { stand in
      let configuration = stand.configuration { $0.inbound.keepsFrames = keepsFrames }
      try await stand.broker.withSession(configuration) { session in
        stand.network.withService { service in
          _ = service.inject(.send(frame), intoSession: "a", at: stand.simulation.clock.now)
        }
        var messages = session.messages.makeAsyncIterator()
        let message = try #require(try await messages.next())
        #expect(message.content.isUnknown && message.origin == .service)
        #expect(message.unknownFields["brandNewThing"]?["n"]?.integerValue == 1)
        #expect(message.unknownFields["another_one"] == [.null])
        #expect(message.frame == (keepsFrames ? frame : nil))
        #expect(await stand.broker.snapshot().unknownMessages == 1)
        #expect(await stand.broker.snapshot().malformedFrames == 0)
        #expect(try await session.ask("probe 1").contains("probe"))
      }
    }
  }
}
