"""Opens a page in a headless browser, clicks its button twice, prints what the page says then."""

import sys

from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

options = webdriver.ChromeOptions()
options.binary_location = "/usr/bin/chromium"
for flag in (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
):
    options.add_argument(flag)
browser = webdriver.Chrome(options=options, service=Service("/usr/bin/chromedriver"))
try:
    browser.get(sys.argv[1])
    wait = WebDriverWait(browser, 60)
    for count in (1, 2):
        button = wait.until(lambda b: b.find_element(By.XPATH, "//button[contains(., 'Click me')]"))
        button.click()
        sentence = f"You have clicked {count} times."
        wait.until(lambda b: sentence in b.find_element(By.TAG_NAME, "body").text)
    print(sentence)
finally:
    browser.quit()
