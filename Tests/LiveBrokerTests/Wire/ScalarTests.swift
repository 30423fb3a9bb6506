// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

@testable import LiveBroker

@Suite struct ScalarTests {
  private func goAway(_ timeLeft: String) throws -> GoAway {
    let text = #"{"goAway":{"timeLeft":\#(timeLeft)},"serverContent":{"turnComplete":true}}"#
    let message = try ServerMessage(decoding: Array(text.utf8))
    // Field note 15 and 21: whatever the notice says, what stands beside it is never lost.
    #expect(message.serverContent?.turnComplete == true)
    return try #require(message.goAway)
  }

  @Test(
    arguments: [
      (#""50s""#, .seconds(50)), (#""9.500s""#, .milliseconds(9_500)), (#""0s""#, .zero),
      (#""9.5s""#, .milliseconds(9_500)), (#""-1s""#, .seconds(-1)), (#""300s""#, .seconds(300)),
      (#""-0.5s""#, .milliseconds(-500)), (#""9.123456789s""#, .nanoseconds(9_123_456_789)),
      (#"{"seconds":"9"}"#, .seconds(9)),
      (#"{"seconds":9,"nanos":500000000}"#, .milliseconds(9_500)),
    ] as [(String, Duration)])
  func durationsAreReadInEverySpelling(_ text: String, _ duration: Duration) throws {
    let goAway = try goAway(text)
    #expect(goAway.timeLeft == duration)
    let again = ServerMessage(goAway: goAway).encoded()
    #expect(try ServerMessage(decoding: again).goAway == goAway)
  }

  @Test(
    arguments: [
      #""""#, "null", #""50""#, #""s""#, #""-s""#, #""1.s""#, #"".5s""#, #""1.1234567890s""#, "50",
      #""999999999999999s""#, #""99999999999999999999999s""#, #"{"seconds":"x"}"#, "true", "[]",
      #"{"seconds":1e30}"#, #"{"seconds":9223372036854775807}"#, #""+1s""#, #""1 s""#,
    ])
  func aMalformedDurationIsAbsent(_ text: String) throws {
    #expect(try goAway(text).timeLeft == nil)
  }

  @Test func aMalformedDurationStaysVisible() throws {
    #expect(try goAway(#""soon""#).unknownFields == ["timeLeft": "soon"])
    #expect(try goAway("null").unknownFields.isEmpty)
  }

  @Test(
    arguments: [
      (Duration.seconds(50), "50s"), (.milliseconds(9_500), "9.500s"),
      (.microseconds(1_000_001), "1.000001s"), (.nanoseconds(1), "0.000000001s"),
      (.milliseconds(-1_250), "-1.250s"), (.zero, "0s"),
    ])
  func durationsAreWrittenAsProtobufWritesThem(_ duration: Duration, _ text: String) {
    #expect(WireDuration.text(duration) == text)
  }

  @Test(
    arguments: [
      ("2030-01-02T03:04:05Z", "2030-01-02T03:04:05Z"),
      ("2030-01-02T05:04:05+02:00", "2030-01-02T03:04:05Z"),
      ("2030-01-02T03:04:05", "2030-01-02T03:04:05Z"),
      ("2030-01-02t03:04:05.123456z", "2030-01-02T03:04:05.123456Z"),
      ("2030-01-02T03:04:05.1-00:30", "2030-01-02T03:34:05.100Z"),
      ("1969-12-31T23:59:59.5Z", "1969-12-31T23:59:59.500Z"),
      ("2000-02-29T00:00:00Z", "2000-02-29T00:00:00Z"),
      ("2030-01-02T03:04:05.1234567899Z", "2030-01-02T03:04:05.123456789Z"),
    ])
  func timestampsAreReadWithAnyOffsetAndWrittenWithZ(_ text: String, _ written: String) throws {
    #expect(try #require(WallTime(rfc3339: text)).rfc3339 == written)
  }

  @Test(
    arguments: [
      "", "2030", "2030-13-01T00:00:00Z", "2030-02-29T00:00:00Z", "2100-02-29T00:00:00Z",
      "2030-01-01T24:00:00Z", "2030-01-01T00:60:00Z", "9999-01-01T00:00:00Z",
      "0001-01-01T00:00:00Z",
      "2030-01-01T00:00:00+2:00", "2030-01-01T00:00:00.Z", "2030-01-01T00:00:00Zx", "now",
    ])
  func malformedTimestampsAreRefused(_ text: String) {
    #expect(WallTime(rfc3339: text) == nil)
  }

  @Test func datesAgreeWithFoundationOverTheCenturies() throws {
    let formatter = ISO8601DateFormatter()
    var random = SplitMix64(seed: 7)
    for _ in 0..<2_000 {
      let seconds = Int64.random(in: -9_000_000_000...9_000_000_000, using: &random)
      let time = WallTime(nanosecondsSinceEpoch: seconds * 1_000_000_000)
      let text = formatter.string(from: Date(timeIntervalSince1970: Double(seconds)))
      #expect(time.rfc3339 == text)
      #expect(WallTime(rfc3339: text) == time)
      #expect(WallTime(httpDate: time.httpDate) == time)
    }
    #expect(WallTime(httpDate: "Sun, 06 Nov 1994 08:49:37 GMT")?.rfc3339 == "1994-11-06T08:49:37Z")
    let example = try #require(WallTime(rfc3339: "1994-11-06T08:49:37Z"))
    #expect(example.httpDate == "Sun, 06 Nov 1994 08:49:37 GMT")
    #expect(WallTime(httpDate: "Sunday, 06-Nov-94 08:49:37 GMT") == nil)
    // Another zone is another time: better none than one that is hours wrong.
    for zone in ["PST", "UTC", "+0100", "-0000", "Z", ""] {
      #expect(WallTime(httpDate: "Sun, 06 Nov 1994 08:49:37 \(zone)") == nil)
    }
  }

  @Test func base64AgreesWithFoundationForEveryLength() {
    var random = SplitMix64(seed: 3)
    for count in 0..<400 {
      let data = (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) }
      let standard = Data(data).base64EncodedString()
      let written = ByteWriter.bytes(expected: 16) { $0.base64(data) }
      #expect(String(decoding: written, as: UTF8.self) == "\"\(standard)\"")
      let unpadded = standard.replacing("=", with: "")
      let urlSafe = standard.replacing("+", with: "-").replacing("/", with: "_")
      for text in [standard, unpadded, urlSafe, urlSafe.replacing("=", with: "")] {
        #expect(Array(text.utf8).withUnsafeBytes { Base64.decode($0) } == data)
      }
    }
  }

  @Test(arguments: [
    "A", "AAAAA", "AA=A", "AAA==", "A===", "====", "AA A", "AAAA\n", "AÄ==", "AAA*", "=", "==",
  ])
  func whatIsNotBase64IsRefused(_ text: String) {
    #expect(Array(text.utf8).withUnsafeBytes { Base64.decode($0) } == nil)
  }

  @Test func aForeignCharacterIsFoundAtEveryPlace() {
    for count in [4, 16, 64, 100] {
      for place in 0..<count {
        for foreign: UInt8 in [0, 0x2A, 0x3D, 0x40, 0x5B, 0x60, 0x7B, 0x80, 0xFF]
        where foreign != 0x3D || place < count - 2 {
          var text = [UInt8](repeating: 0x41, count: count)
          text[place] = foreign
          #expect(text.withUnsafeBytes { Base64.decode($0) } == nil)
        }
      }
    }
  }
}
