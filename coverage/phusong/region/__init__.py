"""What is there: communes, people, terrain, sites, power and links of one area."""
