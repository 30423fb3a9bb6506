// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import LiveBroker

@Suite struct SessionIDTests {
  @Test func bitsAreSpelledAsAUUID() {
    let id = SessionID.bits(0x0123_4567_89AB_CDEF, 0xFEDC_BA98_7654_3210)
    #expect(id.text == "01234567-89ab-cdef-fedc-ba9876543210")
    #expect(SessionID(id.text) == id)
  }

  @Test(arguments: [
    "", "caller-7", "01234567-89AB-cdef-fedc-ba9876543210",
    "01234567-89ab-cdef-fedc-ba987654321", "01234567-89ab-cdef-fedc-ba98765432100",
    "0123456789ab-cdef-fedc-ba98765432100-", "01234567-89ab-cdef-fedc-ba987654321g",
    "-1234567-89ab-cdef-fedc-ba9876543210", "01234567-89ab-cdef-fedc-ba987654321é",
    "01234567+89ab-cdef-fedc-ba9876543210",
  ])
  func everyOtherTextIsKeptToTheLetter(text: String) {
    #expect(SessionID(text) == .text(text))
    #expect(SessionID(text).text == text)
  }
}
